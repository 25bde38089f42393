"""A hundred thousand samples in one dataset: it ends, in memory that a laptop has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.scale import TURNS, write_cells

ROOT = Path(__file__).resolve().parents[2]
MEMORY = 3000  # MB
LINEAR = 1.3  # of the time a sample at a tenth of the size


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
def test_time_and_memory_of_a_large_dataset(tmp_path: Path, n: int) -> None:
    """Every step ends; under 3 GB; all of them together take a time that is nearly linear."""
    from bccurate import sample

    sample(tmp_path / "cells", n=n // TURNS + 3, seed=3)
    planted = json.loads((tmp_path / "cells" / "truth.json").read_text())["unreadable"]
    broken = {tmp_path / "cells" / path for path in planted}
    sources = sorted({*(tmp_path / "cells" / "images").rglob("*.png")} - broken)
    small = _measured(sources, tmp_path / "small", n // 10)
    large = _measured(sources, tmp_path / "large", n)
    assert large["memory"] < MEMORY
    if n < 10_000:
        return  # too few for a time to mean anything
    for step, seconds in large["seconds"].items():
        ratio = seconds / n / (small["seconds"][step] / (n // 10))
        print(f"{step}: {ratio:.2f} times the processor time a sample")
    whole, tenth = sum(large["seconds"].values()), sum(small["seconds"].values())
    assert whole / n / (tenth / (n // 10)) < LINEAR
