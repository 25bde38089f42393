"""A dataset of 100,000 samples fits in the memory of a laptop and takes nearly linear time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.scale import VARIANTS, write_cells

ROOT = Path(__file__).resolve().parents[2]
MEMORY = 3000  # MB
LINEAR = 1.3  # most times the processor time per sample at a tenth of the size


def _measured(sources: list[Path], folder: Path, n: int) -> dict[str, Any]:
    write_cells(sources, folder, n)
    command = [sys.executable, "-m", "tests.reliability.scale", str(folder), str(n)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    print(found)
    return found


@pytest.mark.parametrize("n", [320, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_large_dataset_takes_nearly_linear_time_and_under_3_gb(tmp_path: Path, n: int) -> None:
    """Each step ends; memory stays under 3 GB; the time of all steps together is nearly linear."""
    from bccurate import sample

    sample(tmp_path / "cells", n=n // VARIANTS + 3, seed=3)
    unreadable = json.loads((tmp_path / "cells" / "truth.json").read_text())["unreadable"]
    broken = {tmp_path / "cells" / path for path in unreadable}
    sources = sorted({*(tmp_path / "cells" / "images").rglob("*.png")} - broken)
    small = _measured(sources, tmp_path / "small", n // 10)
    large = _measured(sources, tmp_path / "large", n)
    assert large["memory"] < MEMORY
    if n < 10_000:
        return  # too few to measure time
    for step, seconds in large["seconds"].items():
        ratio = seconds / n / (small["seconds"][step] / (n // 10))
        print(f"{step}: {ratio:.2f} times the processor time per sample")
    whole, tenth = sum(large["seconds"].values()), sum(small["seconds"].values())
    assert whole / n / (tenth / (n // 10)) < LINEAR
