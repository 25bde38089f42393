"""All pairs of 64-bit hashes within a Hamming distance: none missed, none invented.

Method: cut the 64 bits into m blocks. Two hashes that differ in at most t bits agree in at least
m - t blocks, so for each choice of k <= m - t blocks it is enough to sort by those blocks and to
compare inside runs of equal keys. A pair is reported at its first agreeing choice only. Source:
Manku, Jain, Das Sarma 2007, "Detecting near-duplicates for web crawling", section 3.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    blocks, k = _plan(len(hashes), threshold)
    bounds = np.linspace(0, BITS, blocks + 1).astype(int).tolist()
    masks = [_mask(low, high) for low, high in pairwise(bounds)]
    found = []
    for choice in combinations(range(blocks), k):
        order, keys = _sorted(*_key(hashes, bounds, choice))
        ordered = hashes[order]
        for i, j in _equal_neighbours(keys):
            difference = ordered[i] ^ ordered[j]
            distance = np.bitwise_count(difference)
            near = np.flatnonzero(distance <= threshold)
            near = near[_is_first_choice(difference[near], masks, choice)]
            pairs = [order[i[near]], order[j[near]], distance[near].astype(np.int64)]
            found.append(np.stack(pairs))
    if not found:
        empty = np.empty(0, dtype=np.int64)
        return empty, empty, empty
    table = np.concatenate(found, axis=1)
    table[:2] = np.sort(table[:2], axis=0)
    i, j, distance = table[:, np.lexsort((table[1], table[0]))]
    return i, j, distance


def _plan(n: int, threshold: int) -> tuple[int, int]:
    """The cheapest (m, k): sorts cost C(m, k) N log N, comparisons C(m, k) N^2 / 2^(64 k / m).

    The unit is one step of a sort, about 3 ns; a comparison, its gathers included, takes 5.
    """

    def cost(plan: tuple[int, int]) -> float:
        m, k = plan
        return comb(m, k) * (n * (max(n, 2).bit_length() + 8) + 5 * n * n / 2 ** (BITS * k / m + 1))

    plans = [(m, k) for m in range(threshold + 1, threshold + 7) for k in (1, 2, 3, 4)]
    return min((plan for plan in plans if plan[1] <= plan[0] - threshold), key=cost)


def _mask(low: int, high: int) -> np.uint64:
    return np.uint64(((1 << (high - low)) - 1) << low)


def _key(hashes: np.ndarray, bounds: list[int], choice: tuple[int, ...]) -> tuple[np.ndarray, int]:
    """The bits of the chosen blocks side by side, and how many they are."""
    key = np.zeros(len(hashes), dtype=np.uint64)
    width = 0
    for block in choice:
        low, high = bounds[block], bounds[block + 1]
        key |= ((hashes >> np.uint64(low)) & _mask(0, high - low)) << np.uint64(width)
        width += high - low
    return key, width


def _equal_neighbours(keys: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (i, j) that together hold every pair of equal ones among sorted keys, once."""
    start = np.flatnonzero(keys[1:] == keys[:-1])
    step = 1
    while len(start):
        yield start, start + step
        step += 1
        start = start[start + step < len(keys)]
        start = start[keys[start] == keys[start + step]]


def _sorted(key: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices in the order of their keys, and the keys in it.

    Key and index in one number sort faster than an argsort, where both fit in 64 bits.
    """
    bits = max(1, (len(key) - 1).bit_length())
    if width + bits > BITS:
        order = np.argsort(key)
        return order, key[order]
    packed = (key << np.uint64(bits)) | np.arange(len(key), dtype=np.uint64)
    packed.sort()
    return (packed & _mask(0, bits)).astype(np.int64), packed >> np.uint64(bits)


def _is_first_choice(
    difference: np.ndarray, masks: list[np.uint64], choice: tuple[int, ...]
) -> np.ndarray:
    """Whether ``choice`` holds the lowest blocks in which a pair agrees."""
    first = np.ones(len(difference), dtype=bool)
    for block in range(max(choice) + 1):
        agrees = (difference & masks[block]) == 0
        first &= agrees == (block in choice)
    return first
