"""Progress bars: on standard error, on a terminal only, silent everywhere else.

``BCCURATE_TALK`` (``--quiet``, ``--verbose``) says how much. Of several processes that train
together (torchrun) only the first one talks.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
TALK = "BCCURATE_TALK"  # in the environment, so that the processes of a command follow it
QUIET, VERBOSE = "quiet", "verbose"
_BEGAN = time.perf_counter()


def track(items: Iterable[T], total: int, label: str, note: Callable[[], str] = str) -> Iterator[T]:
    """Yield ``items`` unchanged while a bar named ``label`` counts to ``total``.

    The bar shows the time left, and at its end what ``note`` says.
    """
    if total == 0 or not sys.stderr.isatty() or not speaks() or _level() == QUIET:
        yield from items
        return
    import click

    with click.progressbar(
        items, length=total, label=f"{label:<24}", file=sys.stderr, show_pos=True,
        item_show_func=lambda _item: note(),
    ) as bar:  # fmt: skip
        yield from bar


def speaks() -> bool:
    """Whether this process may talk: torchrun numbers those that it starts."""
    return os.environ.get("RANK", "0") == "0"


def say(message: str) -> None:
    """One line of talk, on standard error so that ``--json`` stays clean."""
    if speaks() and _level() != QUIET:
        head = f"[{time.perf_counter() - _BEGAN:6.1f} s] " if _level() == VERBOSE else ""
        print(f"{head}{message}", file=sys.stderr, flush=True)


def detail(message: str) -> None:
    """One line that only ``--verbose`` shows."""
    if _level() == VERBOSE:
        say(message)


def _level() -> str:
    return os.environ.get(TALK, "")
