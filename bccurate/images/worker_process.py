"""Start the worker processes of ``images.workers``, also before they are needed.

Imports neither numpy nor Pillow: a command can start its workers before it loads these itself.
"""

from __future__ import annotations

import os
import subprocess
import sys

READY = b"ready\n"  # the first line of a worker
MOST_SPARE = 4  # enough to save the time; more start when they are needed
_spare: list[subprocess.Popen[bytes]] = []


def start_ahead() -> None:
    """Start workers that the next read takes; they load while the command does."""
    while len(_spare) < min(os.cpu_count() or 1, MOST_SPARE):
        _spare.append(spawn())


def take_spare() -> subprocess.Popen[bytes] | None:
    """Return a worker that was started ahead, or None."""
    try:
        return _spare.pop()
    except IndexError:  # not asked beforehand: threads call this side by side
        return None


def spawn() -> subprocess.Popen[bytes]:
    """Start a worker; its first line of output is ``READY``."""
    # -c, and our own path before anything is imported: with -m a random.py in the current folder
    # would be imported in place of Python's own.
    path = [entry for entry in sys.path if entry]
    code = (
        f"import sys; sys.path[:] = {path!r}; "
        "from bccurate.images.worker_tasks import work as bccurate_worker; bccurate_worker()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        start_new_session=True,  # Ctrl-C goes to the command, which stops its workers itself
    )
