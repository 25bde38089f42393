"""Reading files in processes of their own, so that no file can end the command.

Each worker is a fresh interpreter that gets paths, a JSON line, and answers with a JSON line and
the packed records of ``images.plain``. It loads neither numpy nor Pillow before it must. Not a
multiprocessing pool: that would run a person's script a second time, and one file that crashes a
decoder would break it. Here the worker is started again and the file is named.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

from bccurate.errors import BccurateError, InputError
from bccurate.images.image_stats import ImageStats, Unreadable
from bccurate.images.plain import facts_of, pack_batch, read_batch

CHUNK = 64  # files a line: enough to hide the hop, few enough for the progress bar
READY = b"ready\n"
STARTS = 3
AHEAD = 4  # chunks a worker that may be read before they are asked for


def read_many(
    paths: Sequence[str], workers: int | None = None
) -> Iterator[ImageStats | Unreadable]:
    """Facts for many files, in the order given, in parallel and with bounded memory.

    Args:
        paths: files.
        workers: processes; all cores where None. Few files are read in this process.
    """
    workers = min(workers or os.cpu_count() or 1, len(paths) // CHUNK + 1)
    if workers <= 1:
        for start in range(0, len(paths), CHUNK):
            yield from read_batch(paths[start : start + CHUNK])
    else:
        yield from read_in_processes(paths, workers)


def read_in_processes(paths: Sequence[str], workers: int) -> Iterator[ImageStats | Unreadable]:
    """As ``read_many``, never in this process."""
    crew = _Crew()
    waiting: deque[Future[list[ImageStats | Unreadable]]] = deque()
    threads = ThreadPoolExecutor(workers)
    try:
        for start in range(0, len(paths), CHUNK):
            waiting.append(threads.submit(crew.read, paths[start : start + CHUNK]))
            if len(waiting) > AHEAD * workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        crew.end()  # first: a thread may be waiting for an answer
        # No wait: an interrupted stream may be closed by the collector, in one of these threads.
        threads.shutdown(wait=False, cancel_futures=True)


def read_apart(paths: Sequence[str]) -> list[ImageStats | Unreadable]:
    """Facts of files, read in one process beside this one, which lives on for the next call."""
    return _own_crew().read(paths)


@cache
def _own_crew() -> _Crew:
    return _Crew()


class _Crew:
    """One worker process a thread, made when the thread first needs it."""

    def __init__(self) -> None:
        self._own = threading.local()
        self._all: list[subprocess.Popen[bytes]] = []
        self._ended = False

    def read(self, paths: Sequence[str]) -> list[ImageStats | Unreadable]:
        """Facts of a chunk; where a worker dies on it, of its files one by one."""
        answer = self._ask(paths)
        if answer is not None or self._ended:
            return answer or []
        if len(paths) == 1:
            return [Unreadable(paths[0], "crashes the decoder")]
        return [facts for path in paths for facts in self.read([path])]

    def end(self) -> None:
        """Stop all workers now; chunks under way are given up."""
        self._ended = True
        for process in self._all:
            process.kill()
            process.wait()

    def _ask(self, paths: Sequence[str]) -> list[ImageStats | Unreadable] | None:
        process = getattr(self._own, "process", None)
        if process is None or process.poll() is not None:
            if self._ended:
                return None
            process = self._own.process = _start()
            self._all.append(process)
            if self._ended:
                process.kill()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps(list(paths)).encode() + b"\n")
            process.stdin.flush()
            head = json.loads(process.stdout.readline() or b"null")
            packed = process.stdout.read(head["size"]) if head else b""
        except (OSError, ValueError):
            head = None
        if head is None or len(packed) < head["size"]:
            process.kill()
            process.wait()
            return None
        if "error" in head:
            raise InputError(*head["error"])
        slow = dict(zip(head["slow"], from_json(head["facts"]), strict=True))
        return list(facts_of(paths, packed, slow))


def _start() -> subprocess.Popen[bytes]:
    """A worker that has said it is ready; one that dies at once is tried again."""
    for _ in range(STARTS):
        process = _spawn()
        assert process.stdout is not None
        if process.stdout.readline() == READY:
            return process
        process.kill()
        process.wait()
    raise BccurateError("A worker that reads images does not start.", "bccurate doctor")


def _spawn() -> subprocess.Popen[bytes]:
    # -c, and a path of ours before anything is imported: with -m a random.py in the person's
    # folder would be taken for Python's own.
    path = [entry for entry in sys.path if entry]
    code = (
        f"import sys; sys.path[:] = {path!r}; "
        "from bccurate.images.workers import work as bccurate_worker; bccurate_worker()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        start_new_session=True,  # Ctrl-C is for the command; it ends its workers itself
    )


def to_json(found: Iterable[ImageStats | Unreadable]) -> str:
    """Facts as one line, for another process or machine."""
    return json.dumps([{name: getattr(facts, name) for name in facts.__slots__} for facts in found])


def from_json(line: str) -> list[ImageStats | Unreadable]:
    """The facts that ``to_json`` wrote."""
    return [Unreadable(**row) if "reason" in row else ImageStats(**row) for row in json.loads(line)]


def work() -> None:
    """A worker: until the command closes the pipe, paths in, facts out."""
    out = sys.stdout.buffer
    sys.stdout = sys.stderr  # what a decoder prints must not come between
    out.write(READY)
    out.flush()
    for line in sys.stdin.buffer:
        try:
            packed, slow = pack_batch(json.loads(line))
            head = {"size": len(packed), "slow": list(slow), "facts": to_json(slow.values())}
        except InputError as error:  # of the machine, not of a file
            packed, head = b"", {"size": 0, "error": [error.message, error.hint]}
        out.write(json.dumps(head).encode() + b"\n" + packed)
        out.flush()
