"""The write lock of a dataset: one command at a time writes to it.

A lock is a file of ours, held by filelock. The system releases it when its process ends, however it
ends, so that no killed command blocks the next. It holds between the processes of one machine that
share a home folder; where that folder cannot be written, nobody waits.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

from bccurate.files import home, safe_name
from bccurate.progress import say


@contextmanager
def write_lock(name: str) -> Iterator[None]:
    """Wait until no other process or thread holds the lock ``name``, and hold it.

    A thread that already holds it continues: a command may call another. A message names the
    process that is waited for.
    """
    path = home() / "locks" / safe_name(name)
    lock = _lock(path)
    if not _acquire(lock, path, name):
        yield
        return
    try:
        yield
    finally:
        lock.release()


@cache
def _lock(path: Path) -> FileLock:
    """Return the one lock of a path; it counts how often each thread holds it."""
    return FileLock(path)


def _acquire(lock: FileLock, path: Path, name: str) -> bool:
    """Acquire a lock; False where the folder cannot be written."""
    holder = path.with_name(f"{path.name}.pid")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"waiting for process {_pid(holder)}, which writes to {name!r}")
            lock.acquire()
    except (OSError, NotImplementedError):  # the second: a file system without locks
        return False
    with suppress(OSError):  # a full disk: then nobody knows who holds it
        holder.write_text(str(os.getpid()), encoding="ascii")
    return True


def _pid(holder: Path) -> str:
    try:
        return holder.read_text(encoding="ascii", errors="replace")[:20] or "unknown"
    except OSError:
        return "unknown"
