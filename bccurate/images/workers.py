"""Decode untrusted image files in worker processes, so that no file can end the command.

A worker is a fresh interpreter that reads requests, a JSON line each, from its standard input and
answers with a JSON line and a block of bytes. A multiprocessing pool would run the caller's script
again, and one file that crashes a decoder would break it; here the worker is started again and the
file is named.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np

from bccurate.errors import BccurateError, InputError
from bccurate.images.image_stats import RECORD, Batch, ImageStats, Unreadable, stats_of_batches
from bccurate.images.worker_process import READY, spawn, take_spare

CHUNK = 64  # files per request: hides the round trip, and the progress bar still moves
MAX_STARTS = 3
AHEAD = 4  # requests per worker that may be answered before the caller takes them

_TEXTS = ("notes", "unreadable")  # of an answer, by the index of the file

Answer = tuple[dict[str, Any], bytes]


def read_many(
    paths: Sequence[str], workers: int | None = None
) -> Iterator[ImageStats | Unreadable]:
    """Yield the statistics of files, in the order given, with bounded memory.

    Args:
        paths: files.
        workers: processes; all cores where None.
    """
    return stats_of_batches(read_batches(paths, workers=workers))


def read_batches(
    paths: Sequence[str], method: str | None = None, workers: int | None = None
) -> Iterator[Batch]:
    """Yield what ``read_many`` does as arrays, ``CHUNK`` files each.

    Args:
        paths: files.
        method: compute this hash alone, also where only imagehash can, and no digest of file or
            pixels; all hashes and both digests where None.
        workers: processes; all cores where None.
    """
    for part, answer in _answers("measure", paths, CHUNK, workers, {"method": method}):
        yield _batch(part, *answer)


def read_batch(paths: Sequence[str], method: str | None = None) -> Batch:
    """Read one batch in a worker that stays for the next call."""
    answer = _own_pool().ask({"task": "measure", "paths": _absolute(paths), "method": method})
    return _batch(paths, *answer)


def read_pixels(
    paths: Sequence[str], size: int | None = None, workers: int | None = None
) -> Iterator[np.ndarray | Unreadable]:
    """Yield the pixels of files, uint8 (H, W, 3), RGB, in the order given.

    Args:
        paths: files.
        size: resize to (size, size) by antialiased bicubic interpolation; None keeps the size.
        workers: processes; all cores where None.
    """
    options = {"size": size}
    for part, (head, body) in _answers("pixels", paths, CHUNK if size else 1, workers, options):
        at = 0
        for index, path in enumerate(part):
            if str(index) in head["unreadable"]:
                yield Unreadable(path, head["unreadable"][str(index)])
                continue
            height, width = head["shapes"][index]
            yield np.frombuffer(body, np.uint8, height * width * 3, at).reshape(height, width, 3)
            at += height * width * 3


def hash_many(paths: Sequence[str], method: str) -> Iterator[str | Unreadable]:
    """Yield a hash of each file, 16 hexadecimal digits, where need be by imagehash."""
    for part, (head, _) in _answers("hash", paths, CHUNK, None, {"method": method}):
        for index, path in enumerate(part):
            reason = head["unreadable"].get(str(index))
            yield head["hashes"][index] if reason is None else Unreadable(path, reason)


def _answers(
    task: str,
    paths: Sequence[str],
    chunk: int,
    workers: int | None = None,
    options: dict[str, Any] | None = None,
) -> Iterator[tuple[Sequence[str], Answer]]:
    """Yield the paths of each request with its answer, in order."""
    parts = [paths[start : start + chunk] for start in range(0, len(paths), chunk)]
    requests = [{"task": task, "paths": _absolute(part), **(options or {})} for part in parts]
    workers = min(workers or os.cpu_count() or 1, -(-len(paths) // CHUNK))
    if workers <= 1:
        for part, request in zip(parts, requests, strict=True):
            yield part, _own_pool().ask(request)
        return
    pool = _Pool()
    waiting: deque[tuple[Sequence[str], Future[Answer]]] = deque()
    threads = ThreadPoolExecutor(workers)
    try:
        for part, request in zip(parts, requests, strict=True):
            waiting.append((part, threads.submit(pool.ask, request)))
            if len(waiting) > AHEAD * workers:
                done, answer = waiting.popleft()
                yield done, answer.result()
        while waiting:
            done, answer = waiting.popleft()
            yield done, answer.result()
        pool.hand_over(_own_pool())  # a small read often follows a large one
    finally:
        pool.end()  # first: a thread may be waiting for an answer
        # No wait: an interrupted generator may be closed by the collector, in one of these threads.
        threads.shutdown(wait=False, cancel_futures=True)


def _batch(paths: Sequence[str], head: dict[str, Any], body: bytes) -> Batch:
    records = np.frombuffer(body, RECORD) if body else np.zeros(len(paths), RECORD)
    notes, unreadable = ({int(i): text for i, text in head[k].items()} for k in _TEXTS)
    return Batch(paths, records, notes, unreadable)


def _absolute(paths: Sequence[str]) -> list[str]:
    """Return absolute paths: a worker stays in the folder in which it was started."""
    return [path if os.path.isabs(path) else os.path.abspath(path) for path in paths]


@cache
def _own_pool() -> _Pool:
    return _Pool()


class _Pool:
    """One worker process for each thread, started when the thread first needs it."""

    def __init__(self) -> None:
        self._own = threading.local()
        self._all: list[subprocess.Popen[bytes]] = []
        self._ended = False

    def ask(self, request: dict[str, Any]) -> Answer:
        """Return the answer to a request; where a worker dies on it, file by file."""
        answer = self._try(request)
        if answer is not None:
            return answer
        paths = request["paths"]
        if self._ended or len(paths) == 1:
            reasons = {str(i): "crashes the decoder" for i in range(len(paths))}
            return _empty(len(paths), reasons), b""
        return _join([self.ask({**request, "paths": [path]}) for path in paths])

    def hand_over(self, other: _Pool) -> None:
        """Give one of the workers, all idle, to another pool that has none for this thread."""
        if self._all and getattr(other._own, "process", None) is None:
            other._own.process = self._all.pop()
            other._all.append(other._own.process)

    def end(self) -> None:
        """Stop all workers now; unanswered requests are given up."""
        self._ended = True
        for process in self._all:
            process.kill()
            process.wait()

    def _try(self, request: dict[str, Any]) -> Answer | None:
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
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            head = json.loads(process.stdout.readline() or b"null")
            body = process.stdout.read(head["size"]) if head else b""
        except (OSError, ValueError):
            head, body = None, b""
        except BaseException:  # Ctrl-C: its answer must not be taken for that to the next request
            process.kill()
            process.wait()
            raise
        if head is None or len(body) < head["size"]:
            process.kill()
            process.wait()
            return None
        if "error" in head:
            raise InputError(*head["error"])
        return head, body


def _empty(n: int, reasons: dict[str, str]) -> dict[str, Any]:
    return {"unreadable": reasons, "notes": {}, "shapes": [None] * n, "hashes": [None] * n}


def _join(answers: Sequence[Answer]) -> Answer:
    """Return the answers to requests of one file each as the answer to one request."""
    joined, bodies = _empty(len(answers), {}), []
    for index, (head, body) in enumerate(answers):
        for name in _TEXTS:
            if "0" in head.get(name, {}):
                joined[name][str(index)] = head[name]["0"]
        for name in ("shapes", "hashes"):
            if head.get(name):
                joined[name][index] = head[name][0]
        bodies.append(body)
    if not any(joined["shapes"]):  # records have a place for each file, readable or not
        bodies = [body or bytes(RECORD.itemsize) for body in bodies]
    return joined, b"".join(bodies)


def _start() -> subprocess.Popen[bytes]:
    """Start a worker and wait until it is ready; one that dies at once is started again."""
    for _ in range(MAX_STARTS):
        process = take_spare() or spawn()
        assert process.stdout is not None
        if process.stdout.readline() == READY:
            return process
        process.kill()
        process.wait()
    raise BccurateError("A worker process that decodes images does not start.", "bccurate doctor")
