"""Progress bars: on standard error, on a terminal only, silent everywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def track(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    """Yield ``items`` unchanged while a bar named ``label`` counts to ``total``."""
    if total == 0 or not sys.stderr.isatty():
        yield from items
        return
    import click

    with click.progressbar(
        items, length=total, label=f"{label:<24}", file=sys.stderr, show_pos=True
    ) as bar:
        yield from bar


def say(message: str) -> None:
    """One line of talk, on standard error so that ``--json`` stays clean."""
    print(message, file=sys.stderr, flush=True)
