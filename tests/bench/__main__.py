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

from tests.bench import bench_dedupe, bench_help, bench_import, bench_outliers
from tests.bench.measure import Figure, Share

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "benchmarks.md"


def _page(figures: list[Figure], shares: list[Share], outliers: list[Share]) -> str:
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
        f"{rows}\n\n"
        "## Duplicates planted among the cells\n\n"
        "Defaults, and with `--rotations`; 200 plantings of each kind.\n\n"
        f"{_table(shares)}\n"
        "## Foreign pictures blended into cells\n\n"
        "By the share of them in each class; see docs/outliers.md.\n\n"
        f"{_table(outliers)}"
    )


def _table(shares: list[Share]) -> str:
    rows = "".join(f"| {s.what} | {s.hits / s.n:.3f} | {s.n} |\n" for s in shares)
    return f"| what | share | of |\n| --- | --- | --- |\n{rows}"


def main() -> None:
    """Run everything; print the page as well."""
    from bccurate.hub.open import load_fiftyone

    load_fiftyone()
    images = bench_import.images(conftest.REAL_DATA)
    page = _page(
        bench_help.run() + bench_import.run(images),
        bench_dedupe.run(images),
        bench_outliers.run(images),
    )
    PAGE.write_text(page)
    print(page)


if __name__ == "__main__":
    main()
