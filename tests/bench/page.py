"""docs/benchmarks.md: a section a benchmark, so that one can be run alone and the rest stay."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from tests.bench.measure import Row

HEAD = (
    "# Benchmarks\n\n"
    "Ratios are measured interleaved in one run: the median, the extremes, the rounds. Written by "
    "`make bench`; `make bench ONLY=groups` runs one and leaves the other sections as they are.\n"
)
_TABLE = (
    "| what | figure | extremes | n | goal | met | note |\n"
    "| --- | --- | --- | --- | --- | --- | --- |\n"
)


def section(title: str, about: str, rows: Sequence[Row]) -> str:
    """A heading, how it was measured and where, and the table."""
    paragraphs = about.replace("``", "`").strip()
    table = "".join(f"| {' | '.join(row.cells())} |\n" for row in rows)
    return f"## {title}\n\n{paragraphs}\n\n{machine()}\n\n{_TABLE}{table}"


def merged(page: str, new: dict[str, str], order: Sequence[str]) -> str:
    """The page with the new sections in it.

    Args:
        page: as it was, empty where there is none.
        new: title to section.
        order: the titles of all sections; others are dropped.
    """
    parts = [f"## {part}" for part in ("\n" + page).split("\n## ")[1:]]
    sections = {part.splitlines()[0].removeprefix("## "): part for part in parts} | new
    return "\n".join([HEAD, *(sections[t].rstrip("\n") + "\n" for t in order if t in sections)])


def machine() -> str:
    """The machine and the day, a line."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = models[0].split(":")[1].strip() if models else cpu
    python = f"Python {platform.python_version()}"
    return f"{cpu}, {os.cpu_count()} cores, {platform.machine()}, {python}; {date.today()}."
