"""Work side by side in threads: numpy and the kernels run without Python's lock."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_threads(work: Callable[[range], T], rows: range, size: int) -> list[T]:
    """``work`` on pieces of ``rows``, ``size`` long or less, in their order; one thread a core."""
    pieces = [rows[start : start + size] for start in range(0, len(rows), size)]
    if len(pieces) < 2:
        return list(map(work, pieces))
    with ThreadPoolExecutor(min(os.cpu_count() or 1, len(pieces))) as pool:
        return list(pool.map(work, pieces))
