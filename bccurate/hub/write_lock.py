"""Turns: of the commands that write to one dataset, one at a time.

A turn is a lock on a file of ours. The kernel takes it back when its process ends, however it ends,
so that no killed command blocks the next. It holds between the processes of one machine that share
a home folder; where that folder cannot be written, or the system has no such locks, nobody waits.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType

from bccurate.files import home, safe_name
from bccurate.progress import say

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_mine = threading.local()


@contextmanager
def write_lock(name: str) -> Iterator[None]:
    """Wait until nobody else holds the turn ``name``, and hold it.

    A thread that has it already goes on: a command may call another. Who waits says for whom.
    """
    held: set[str] = _mine.__dict__.setdefault("held", set())
    if name in held or (file := _open(name)) is None:
        yield
        return
    try:
        _wait(file, name)
        held.add(name)
        yield
    finally:
        held.discard(name)
        os.close(file)  # which gives the turn back


def _open(name: str) -> int | None:
    if fcntl is None:
        return None
    path = home() / "turns" / safe_name(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)  # not inherited by what we start
    except OSError:
        return None


def _wait(file: int, name: str) -> None:
    assert fcntl is not None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.pread(file, 20, 0).decode("ascii", "replace") or "unknown"
        say(f"waiting for the command that writes to {name!r} now (process {pid})")
        fcntl.flock(file, fcntl.LOCK_EX)
    with suppress(OSError):  # a full disk: then it is unknown who has the turn
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
