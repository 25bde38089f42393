"""``python -m tests.bench``: run all benchmarks and write docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import sys
from datetime import date
from pathlib import Path

# The tests' own database and home: a benchmark must not touch a person's data.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import conftest

from tests.bench import bench_help, bench_import
from tests.bench.measure import Figure

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "benchmarks.md"


def _page(figures: list[Figure]) -> str:
    rows = "\n".join(
        f"| {f.what} | {f.ratio:.2f} | {f.low:.2f} to {f.high:.2f} | {f.rounds} | {f.goal} |"
        f" {f.note} |"
        for f in figures
    )
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    return (
        "# Benchmarks\n\n"
        "Ratios measured interleaved in one run; median, extremes, rounds. "
        "Written by `make bench`.\n\n"
        f"Machine: {machine}. Date: {date.today()}.\n\n"
        "| what | median ratio | extremes | rounds | goal | note |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        f"{rows}\n"
    )


def main() -> None:
    """Run everything; print the page as well."""
    from bccurate.hub.open import load_fiftyone

    load_fiftyone()
    figures = bench_help.run() + bench_import.run(bench_import.images(conftest.REAL_DATA))
    page = _page(figures)
    PAGE.write_text(page)
    print(page)


if __name__ == "__main__":
    main()
