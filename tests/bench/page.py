"""Write docs/benchmarks.md, one section per benchmark, so that each can be updated alone."""

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
    "`make bench`; `make bench ONLY=groups` runs one and keeps the other sections.\n"
)
_TABLE = (
    "| what | figure | extremes | n | goal | met | note |\n"
    "| --- | --- | --- | --- | --- | --- | --- |\n"
)


def section(title: str, about: str, rows: Sequence[Row]) -> str:
    """Return a heading, the description of the benchmark, the machine and the table."""
    paragraphs = about.replace("``", "`").strip()
    table = "".join(f"| {' | '.join(row.cells())} |\n" for row in rows)
    return f"## {title}\n\n{paragraphs}\n\n{machine()}\n\n{_TABLE}{table}"


def merged(page: str, new: dict[str, str], order: Sequence[str]) -> str:
    """Return the page with new sections.

    Args:
        page: the present page; may be empty.
        new: title to section.
        order: titles of all sections; others are removed.
    """
    parts = [f"## {part}" for part in ("\n" + page).split("\n## ")[1:]]
    sections = {part.splitlines()[0].removeprefix("## "): part for part in parts} | new
    return "\n".join([HEAD, *(sections[t].rstrip("\n") + "\n" for t in order if t in sections)])


def machine() -> str:
    """Return processor, cores, Python and date in one line."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = models[0].split(":")[1].strip() if models else cpu
    python = f"Python {platform.python_version()}"
    return f"{cpu}, {os.cpu_count()} cores, {platform.machine()}, {python}; {date.today()}."
