"""Cut 64 bits into blocks so that near hashes agree in some, and search by them in numpy.

The method and its sources are described in ``hamming``, which has the same search in C.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import comb

import numpy as np

BITS = 64
INDEX_BITS = 29  # a pair is one number, high bits first: two indices and a distance
DISTANCE_BITS = 5


@dataclass(frozen=True)
class Plan:
    """Blocks [bounds[b], bounds[b + 1]), cut into groups at ``ends``; k of a group must agree.

    ``bounds`` and ``ends`` are int64, contiguous: the kernel reads them.
    """

    k: int
    bounds: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, threshold: int, groups: int, k: int) -> Plan:
        """Return blocks of even width; ``groups`` is at most threshold + 1, k at least 1."""
        sizes = [k + tolerance for tolerance in _tolerances(threshold, groups)]
        bounds = np.linspace(0, BITS, sum(sizes) + 1).astype(np.int64)
        return cls(k, bounds, np.cumsum(sizes, dtype=np.int64))

    def group(self, block: int) -> range:
        """Return the blocks of the group that ``block`` is in."""
        group = int(np.searchsorted(self.ends, block, side="right"))
        return range(int(self.ends[group - 1]) if group else 0, int(self.ends[group]))

    def firsts(self) -> list[int]:
        """Return the blocks that can be the first of a choice."""
        return [b for b in range(len(self.bounds) - 1) if b + self.k <= self.group(b).stop]

    def share(self, values: np.ndarray, first: int, share: int, shares: int) -> np.ndarray | slice:
        """Return which of ``values`` a share searches: every n-th content of block ``first``.

        Equal contents go to one share, so that only one finds a pair of this block.
        """
        if shares == 1:
            return slice(None)
        content = (values & np.uint64(self.masks[first])) >> np.uint64(self.bounds[first])
        return np.flatnonzero((content + np.uint64(first)) % np.uint64(shares) == share)

    @property
    def masks(self) -> list[int]:
        """Return the bits of each block."""
        return [(1 << high) - (1 << low) for low, high in pairwise(self.bounds.tolist())]


def _tolerances(threshold: int, groups: int) -> list[int]:
    """Return even tolerances with sum (t_g + 1) = threshold + 1."""
    each, more = divmod(threshold + 1, groups)
    return [each - 1 + (group < more) for group in range(groups)]


def cheapest_plan(n: int, threshold: int) -> Plan:
    """Return the cheapest plan: partition n hashes by each choice, compare those equal there.

    The unit is one comparison; partitioning by one choice costs 90 a hash, small parts included.
    """

    def cost(shape: tuple[int, int]) -> float:
        groups, k = shape
        tolerances = _tolerances(threshold, groups)
        choices = sum(comb(tolerance + k, k) for tolerance in tolerances)
        width = BITS / sum(tolerance + k for tolerance in tolerances)
        return choices * (90 * n + n * n / 2 ** (width * k + 1))

    shapes = [
        (groups, k)
        for groups in range(1, threshold + 2)
        for k in range(1, 7)
        if threshold + 1 + groups * (k - 1) <= BITS
    ]
    return Plan.of(threshold, *min(shapes, key=cost))


def numpy_form(
    values: np.ndarray, index: np.ndarray, left: int, threshold: int, plan: Plan, first: int
) -> np.ndarray:
    """Find the pairs of ``index`` whose first choice of agreeing blocks begins with ``first``.

    Args:
        values: (N,) uint64, no two equal.
        index: (N,) uint32, their indices, ascending.
        left: find pairs between the indices below it and the others; -1: among all.
        threshold: bits.
        plan: the blocks.
        first: the block.
    """
    found = [np.empty(0, dtype=np.uint64)]
    masks = plan.masks
    for rest in combinations(range(first + 1, plan.group(first).stop), plan.k - 1):
        choice = (first, *rest)
        key = values & np.uint64(sum(masks[block] for block in choice))
        order = np.argsort(key)
        ordered = values[order]
        for i, j in _equal_neighbours(key[order]):
            difference = ordered[i] ^ ordered[j]
            distance = np.bitwise_count(difference)
            near = np.flatnonzero(distance <= threshold)
            near = near[_is_first(difference[near], plan, choice)]
            one, other = index[order[i[near]]], index[order[j[near]]]
            one, other = np.minimum(one, other), np.maximum(one, other)
            wanted = (one < left) & (other >= left) if left >= 0 else slice(None)
            found.append(packed(one, other, distance[near])[wanted])
    return np.concatenate(found)


def packed(i: np.ndarray, j: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Pack each pair to one number; the numbers sort by i, then j."""
    pairs = i.astype(np.uint64) << np.uint64(INDEX_BITS) | j.astype(np.uint64)
    return pairs << np.uint64(DISTANCE_BITS) | distance.astype(np.uint64)


def unpacked(pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return i, j and distance, int64, of packed pairs."""
    whole = pairs.astype(np.int64)
    i = whole >> (INDEX_BITS + DISTANCE_BITS)
    j = (whole >> DISTANCE_BITS) & ((1 << INDEX_BITS) - 1)
    return i, j, whole & ((1 << DISTANCE_BITS) - 1)


def _equal_neighbours(keys: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (i, j) that together hold every pair of equal ones among sorted keys, once."""
    start = np.flatnonzero(keys[1:] == keys[:-1])
    step = 1
    while len(start):
        yield start, start + step
        step += 1
        start = start[start + step < len(keys)]
        start = start[keys[start] == keys[start + step]]


def _is_first(difference: np.ndarray, plan: Plan, choice: tuple[int, ...]) -> np.ndarray:
    """Return whether ``choice`` is the first in which a pair agrees: lowest blocks, first group."""
    agrees = np.array([(difference & np.uint64(mask)) == 0 for mask in plan.masks])
    own = plan.group(choice[0])
    first = np.ones(len(difference), dtype=bool)
    for block in range(own.start, choice[-1] + 1):
        first &= agrees[block] == (block in choice)
    begin = 0
    for end in plan.ends[plan.ends <= own.start].tolist():
        first &= agrees[begin:end].sum(axis=0) < plan.k
        begin = end
    return first
