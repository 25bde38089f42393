"""Find all pairs of 64-bit hashes within a Hamming distance, exactly.

Method: cut the 64 bits into blocks of even width and the blocks into groups. If two hashes differ
in at most t bits and the groups are given tolerances t_g with sum (t_g + 1) = t + 1, in one group
they differ in at most t_g bits; of its t_g + k blocks they agree in k. So for each group and each
choice of k of its blocks it is enough to compare the hashes that are equal there. A pair is
reported at its first agreeing choice only. Sources: Manku, Jain, Das Sarma 2007, "Detecting
near-duplicates for web crawling", section 3 (one group); Qin et al. 2018, "GPH: similarity search
in Hamming space" (the general pigeonhole principle).

The compiled search (native/hamming.c) partitions the hashes block by block, in the processor's
cache, and stops where comparing costs less; the numpy form sorts by each choice. Equal hashes are
matched once and expanded at the end.
"""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from bccurate import native
from bccurate.duplicates.hamming_blocks import (
    INDEX_BITS,
    Plan,
    cheapest_plan,
    numpy_form,
    packed,
    unpacked,
)

MAX_THRESHOLD = 16

HashPairs = tuple[np.ndarray, np.ndarray, np.ndarray]

_SIZE, _ARRAY = ctypes.c_int64, ctypes.c_void_p
_kernel = native.function(
    "bc_near_pairs",
    *(_ARRAY, _ARRAY, _SIZE, _SIZE),  # hashes, their indices, how many, how many of the left
    *(_SIZE, _SIZE, _SIZE, _ARRAY, _ARRAY),  # threshold, k, first block, bounds, group ends
    *(_ARRAY, _SIZE),  # buffer for the pairs, its size
)
_sort = native.function("bc_sort", _ARRAY, _ARRAY, _SIZE, _ARRAY, _ARRAY, result=None)


def near_pairs(
    hashes: np.ndarray, threshold: int, part: tuple[int, int] = (0, 1), threads: int = 1
) -> HashPairs:
    """Find all pairs within ``threshold`` differing bits.

    Args:
        hashes: (N,) uint64, any order, repeats allowed, N below 2^29.
        threshold: 0 to 16 bits.
        part: (k, n): search the k-th of n shares only, 0 <= k < n. The shares are disjoint and
            together the whole, so that n machines can take one each.
        threads: number of threads; the result is the same.

    Returns:
        i, j (both (P,) int64, i < j, sorted) and their distance (P,) int64.

    Raises:
        ValueError: threshold, part or N is out of range.
        MemoryError: no memory left.
    """
    found = _Values.of(hashes)
    near = _expand(found, found, *_search(found.values, -1, threshold, part, threads))
    low, high, distance = np.concatenate([near, _equal(found, part)], axis=1)
    return _sorted(np.minimum(low, high), np.maximum(low, high), distance)


def cross_pairs(left: np.ndarray, right: np.ndarray, threshold: int, threads: int = 1) -> HashPairs:
    """Find all pairs of one of ``left`` and one of ``right`` within ``threshold`` differing bits.

    Args:
        left: (N,) uint64, any order, repeats allowed.
        right: (M,) uint64, as ``left``; N + M below 2^29.
        threshold: 0 to 16 bits.
        threads: number of threads; the result is the same.

    Returns:
        i into left, j into right (both (P,) int64, sorted) and their distance (P,) int64.

    Raises:
        ValueError: the threshold or N + M is out of range.
        MemoryError: no memory left.
    """
    ones, others = _Values.of(left), _Values.of(right)
    values = np.concatenate([ones.values, others.values])
    a, b, distance = _search(values, len(ones.values), threshold, (0, 1), threads)
    return _sorted(*_expand(ones, others, a, b - len(ones.values), distance))


@dataclass(frozen=True)
class _Values:
    """Distinct hashes, ascending; the c-th occurs at order[starts[c] : starts[c] + counts[c]]."""

    values: np.ndarray
    order: np.ndarray
    starts: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, hashes: np.ndarray) -> _Values:
        hashes = np.ascontiguousarray(hashes, dtype=np.uint64)
        ordered, order = _in_order(hashes)
        new = np.ones(len(hashes), dtype=bool)
        new[1:] = ordered[1:] != ordered[:-1]
        starts = np.flatnonzero(new)
        return cls(ordered[new], order, starts, np.diff(starts, append=len(hashes)))


def _in_order(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort hashes; returns them and the position of each."""
    if _sort is None:
        order = np.argsort(hashes, kind="stable")
        return hashes[order], order
    ordered, order = hashes.copy(), np.empty(len(hashes), dtype=np.uint32)
    room = np.empty_like(ordered), np.empty_like(order)
    pointers = [native.pointer(array) for array in (ordered, order, *room)]
    _sort(*pointers[:2], len(hashes), *pointers[2:])
    return ordered, order


def _expand(
    ones: _Values, others: _Values, a: np.ndarray, b: np.ndarray, distance: np.ndarray
) -> np.ndarray:
    """Expand pairs of distinct values to all pairs (3, P) of hashes that have them."""
    pair, left = _runs(ones.starts[a], ones.counts[a])
    row, right = _runs(others.starts[b][pair], others.counts[b][pair])
    return np.stack([ones.order[left[row]], others.order[right], distance[pair[row]]])


def _equal(found: _Values, part: tuple[int, int]) -> np.ndarray:
    """Return the pairs (3, P) of equal hashes, of every n-th value from the k-th."""
    share, shares = part
    starts, counts = found.starts[share::shares], found.counts[share::shares]
    starts, counts = starts[counts > 1], counts[counts > 1]
    value, left = _runs(starts, counts)
    row, right = _runs(left + 1, (starts + counts)[value] - left - 1)
    return np.stack([found.order[left[row]], found.order[right], np.zeros_like(row)])


def _runs(starts: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of all runs [start, start + count), and the run of each."""
    run = np.repeat(np.arange(len(counts)), counts)
    return run, np.arange(len(run)) + (starts - (np.cumsum(counts) - counts))[run]


def _sorted(i: np.ndarray, j: np.ndarray, distance: np.ndarray) -> HashPairs:
    """Sort by i, then j."""
    pairs = packed(i, j, distance)
    pairs.sort()
    return unpacked(pairs)


def _search(
    values: np.ndarray, left: int, threshold: int, part: tuple[int, int], threads: int
) -> HashPairs:
    """Find pairs of distinct values (of the first ``left`` and the others, unless -1), unsorted."""
    share, shares = part
    if not 0 <= threshold <= MAX_THRESHOLD or not 0 <= share < shares:
        raise ValueError(f"threshold {threshold} or part {part} is out of range")
    if len(values) >= 1 << INDEX_BITS:
        raise ValueError(f"{len(values)} hashes are more than 2^{INDEX_BITS} - 1")
    plan = cheapest_plan(len(values), threshold)
    index = np.arange(len(values), dtype=np.uint32)
    form = numpy_form if _kernel is None else _native_form

    def task(first: int, share: int, shares: int) -> np.ndarray:
        chosen = plan.share(values, first, share, shares)
        return form(values[chosen], index[chosen], left, threshold, plan, first)

    tasks = [
        (first, share + shares * thread, shares * threads)
        for first in plan.firsts()
        for thread in range(threads)
    ]
    if threads == 1:
        found = [task(*which) for which in tasks]
    else:
        with ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(lambda which: task(*which), tasks))
    return unpacked(np.concatenate([np.empty(0, dtype=np.uint64), *found]))


def _native_form(
    values: np.ndarray, index: np.ndarray, left: int, threshold: int, plan: Plan, first: int
) -> np.ndarray:
    """Do the same as ``hamming_blocks.numpy_form``, in C."""
    assert _kernel is not None
    count, room = len(values) // 4 + 1024, 0
    while count > room:  # there were more pairs than room
        found = np.empty(room := count, dtype=np.uint64)
        pointers = [native.pointer(a) for a in (values, index, plan.bounds, plan.ends, found)]
        count = _kernel(
            *(*pointers[:2], len(values), left, threshold, plan.k, first, *pointers[2:], room)
        )
        if count < 0:
            raise MemoryError(f"no memory to match {len(values)} hashes")
    return found[:count].copy()
