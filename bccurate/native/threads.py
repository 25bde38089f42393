"""Work in parallel threads: numpy and the kernels run without Python's global lock."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_threads(work: Callable[[range], T], rows: range, size: int) -> list[T]:
    """Return the results of ``work`` on pieces of ``rows``, at most ``size`` long, in order.

    One thread a core.
    """
    pieces = [rows[start : start + size] for start in range(0, len(rows), size)]
    if len(pieces) < 2:
        return list(map(work, pieces))
    with ThreadPoolExecutor(min(os.cpu_count() or 1, len(pieces))) as pool:
        return list(pool.map(work, pieces))
