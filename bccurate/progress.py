"""Progress: bars on standard error, on a terminal only, and told to who listens, as the App does.

Of several processes that train together (torchrun) only the first one talks.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")
Listener = Callable[[str, float], None]  # what is done, and its share that is done, in [0, 1]

TELL_EVERY = 0.5  # seconds; a listener may write to the database
_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def track(
    items: Iterable[T],
    total: int,
    label: str,
    note: Callable[[], str] = str,
    part: tuple[int, int] = (0, 1),
) -> Iterator[T]:
    """Yield ``items`` unchanged while a bar named ``label`` counts to ``total``.

    The bar shows the time left, and at its end what ``note`` says. Items that are one ``part`` of
    many alike, (place from 0, how many), are told to a listener as a share of all of them.
    """
    if total == 0 or not speaks():
        yield from items
        return
    listener = _listener.get()
    if listener is not None:
        items = _told(items, total, label, part, listener)
    if not sys.stderr.isatty():
        yield from items
        return
    import click

    with click.progressbar(
        items, length=total, label=f"{label:<24}", file=sys.stderr, show_pos=True,
        item_show_func=lambda _item: note(),
    ) as bar:  # fmt: skip
        yield from bar


def _told(
    items: Iterable[T], total: int, label: str, part: tuple[int, int], listener: Listener
) -> Iterator[T]:
    place, parts = part
    told = 0.0
    for done, item in enumerate(items):
        if (now := time.monotonic()) - told >= TELL_EVERY:
            told = now
            listener(label, (place + done / total) / parts)
        yield item


@contextmanager
def listened(listener: Listener) -> Iterator[None]:
    """Tell ``listener`` of every long step in this thread, twice a second at most."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def speaks() -> bool:
    """Whether this process may talk: torchrun numbers those that it starts."""
    return os.environ.get("RANK", "0") == "0"


def say(message: str) -> None:
    """One line of talk, on standard error so that ``--json`` stays clean."""
    if speaks():
        print(message, file=sys.stderr, flush=True)
