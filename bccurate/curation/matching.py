"""All pairs of 64-bit hashes within a Hamming distance: none missed, none invented.

Method: cut the 64 bits into m blocks. Two hashes that differ in at most t bits agree in at least
m - t blocks, so for each choice of k <= m - t blocks it is enough to sort by those blocks and to
compare inside runs of equal keys. A pair is reported at its first agreeing choice only. Source:
Manku, Jain, Das Sarma 2007, "Detecting near-duplicates for web crawling", section 3.
"""

from __future__ import annotations

from itertools import combinations, pairwise
from math import comb

import numpy as np

BITS = 64


def near_pairs(hashes: np.ndarray, threshold: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All pairs within ``threshold`` differing bits.

    Args:
        hashes: (N,) uint64, any order, repeats allowed.
        threshold: 0 to 16 bits.

    Returns:
        i, j (both (P,) int64, i < j, sorted) and their distance (P,) int64.
    """
    hashes = np.ascontiguousarray(hashes, dtype=np.uint64)
    found = []
    blocks, k = _plan(len(hashes), threshold)
    bounds = np.linspace(0, BITS, blocks + 1).astype(int)
    masks = [_mask(low, high) for low, high in pairwise(bounds.tolist())]
    for choice in combinations(range(blocks), k):
        key_mask = np.bitwise_or.reduce([masks[b] for b in choice])
        for i, j in _equal_key_pairs(hashes & key_mask):
            difference = hashes[i] ^ hashes[j]
            distance = np.bitwise_count(difference)
            near = distance <= threshold
            near[near] = _is_first_choice(difference[near], masks, choice)
            found.append(np.stack([i[near], j[near], distance[near].astype(np.int64)]))
    if not found:
        empty = np.empty(0, dtype=np.int64)
        return empty, empty, empty
    pairs = np.concatenate(found, axis=1)
    pairs[:2] = np.sort(pairs[:2], axis=0)
    i, j, distance = pairs[:, np.lexsort((pairs[1], pairs[0]))]
    return i, j, distance


def _plan(n: int, threshold: int) -> tuple[int, int]:
    """The cheapest (m, k): sorts cost C(m, k) N, comparisons C(m, k) N^2 / 2^(64 k / m)."""

    def cost(plan: tuple[int, int]) -> float:
        m, k = plan
        return comb(m, k) * (12 * n + n * n / 2 ** (BITS * k / m))

    plans = [(m, k) for m in range(threshold + 1, threshold + 7) for k in (1, 2, 3, 4)]
    return min((plan for plan in plans if plan[1] <= plan[0] - threshold), key=cost)


def _mask(low: int, high: int) -> np.uint64:
    return np.uint64(((1 << (high - low)) - 1) << low)


def _equal_key_pairs(keys: np.ndarray):  # type: ignore[no-untyped-def]
    """Yield (i, j) index arrays that together hold every pair of equal keys once."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    start = np.arange(len(keys))
    step = 1
    while True:
        start = start[start + step < len(keys)]
        start = start[ordered[start] == ordered[start + step]]
        if len(start) == 0:
            return
        yield order[start], order[start + step]
        step += 1


def _is_first_choice(
    difference: np.ndarray, masks: list[np.uint64], choice: tuple[int, ...]
) -> np.ndarray:
    """Whether ``choice`` holds the lowest blocks in which a pair agrees."""
    first = np.ones(len(difference), dtype=bool)
    for block in range(max(choice) + 1):
        agrees = (difference & masks[block]) == 0
        first &= agrees == (block in choice)
    return first
