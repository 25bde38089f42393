"""The side of ``images.workers`` that runs in a worker process: answer requests about files."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from bccurate.errors import InputError, UnreadableImage
from bccurate.images.decode import decode, read_bytes
from bccurate.images.hashing import hash_pixels
from bccurate.images.image_stats import RECORD, measure_file
from bccurate.images.thumbnail import resize
from bccurate.images.worker_process import READY

T = TypeVar("T")


def work() -> None:
    """Run a worker: answer requests until the command closes the pipe."""
    out = sys.stdout.buffer
    sys.stdout = sys.stderr  # what a decoder prints must not come between answers
    out.write(READY)
    out.flush()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        try:
            head, body = _TASKS[request.pop("task")](**request)
        except InputError as error:  # a fault of the machine, not of a file
            head, body = {"error": [error.message, error.hint]}, b""
        out.write(json.dumps({**head, "size": len(body)}).encode() + b"\n")
        out.write(body)
        out.flush()


def _measure(paths: list[str], method: str | None) -> tuple[dict[str, Any], bytes]:
    records = np.zeros(len(paths), RECORD)

    def measure(index: int) -> str:
        return measure_file(paths[index], records[index : index + 1], method)

    notes, unreadable = _each(paths, measure)
    notes = {index: note for index, note in notes.items() if note}
    return {"notes": notes, "unreadable": unreadable}, records.tobytes()


def _pixels(paths: list[str], size: int | None) -> tuple[dict[str, Any], bytes]:
    def pixels(index: int) -> np.ndarray:
        rgb = decode(read_bytes(paths[index])).pixels
        return rgb if size is None else resize(rgb, size)

    found, unreadable = _each(paths, pixels)
    shapes = [found[i].shape[:2] if i in found else None for i in range(len(paths))]
    body = b"".join(found[i].tobytes() for i in range(len(paths)) if i in found)
    return {"shapes": shapes, "unreadable": unreadable}, body


def _hash(paths: list[str], method: str) -> tuple[dict[str, Any], bytes]:
    def hash_of(index: int) -> str:
        return hash_pixels(decode(read_bytes(paths[index])).pixels, method)

    found, unreadable = _each(paths, hash_of)
    return {"hashes": [found.get(i) for i in range(len(paths))], "unreadable": unreadable}, b""


def _each(paths: list[str], read: Callable[[int], T]) -> tuple[dict[int, T], dict[int, str]]:
    """Return what ``read`` gives for the index of each file that decodes, and why others do not."""
    found: dict[int, T] = {}
    unreadable: dict[int, str] = {}
    for index in range(len(paths)):
        try:
            found[index] = read(index)
        except UnreadableImage as error:  # noqa: PERF203  # one broken file costs no other
            unreadable[index] = error.message
    return found, unreadable


_TASKS: dict[str, Callable[..., tuple[dict[str, Any], bytes]]] = {
    "measure": _measure,
    "pixels": _pixels,
    "hash": _hash,
}
