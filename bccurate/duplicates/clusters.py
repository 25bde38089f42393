"""Join confirmed pairs to clusters whose members are all similar, so that no chain forms a group.

Method: agglomerative clustering with complete linkage, the most similar pair first. Two clusters
join where every pair across is confirmed or correlates by at least 0.95. Two that do not join never
will, since joining others only adds pairs; so each two clusters are compared once. A comparison
takes all pairs across up to 256 (clusters of 16), else 256 drawn with a fixed seed: the cost is
linear in the joins, and a cluster of hundreds may hold a few pairs below the bound.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from bccurate.duplicates.pair_search import aligned_similarity
from bccurate.duplicates.pairs import DuplicatePairs

MIN_MEMBER_SIMILARITY = 0.95  # of any two in a cluster
_MOST_ACROSS = 256  # pairs that one comparison takes
_CHUNK = 1 << 16  # pairs between two checks of which still join different clusters


class Cluster(NamedTuple):
    """``members``: two node indices or more; ``pairs``: rows of the pairs that joined them, one
    fewer."""

    members: list[int]
    pairs: list[int]


def cluster(pairs: DuplicatePairs, thumbs: np.ndarray, rotations: bool) -> list[Cluster]:
    """Join paired nodes, closest first, while all members stay similar.

    Args:
        pairs: between N nodes.
        thumbs: (N, 32, 32) uint8.
        rotations: compare rotations and flips too, as when the pairs were found.
    """
    forest = _Forest(pairs, thumbs, rotations)
    for start in range(0, len(pairs.i), _CHUNK):
        one = forest.root[pairs.i[start : start + _CHUNK]]
        two = forest.root[pairs.j[start : start + _CHUNK]]
        for row in (np.flatnonzero(one != two) + start).tolist():
            forest.take(row)
    return [Cluster(forest.members[root].tolist(), rows) for root, rows in forest.joins.items()]


class _Forest:
    """The clusters so far. A cluster is named by one of its nodes, its root."""

    def __init__(self, pairs: DuplicatePairs, thumbs: np.ndarray, rotations: bool) -> None:
        self._pairs, self._thumbs = pairs, thumbs
        self._rotations = range(8 if rotations else 1)
        self._paired = np.sort(pairs.i * len(thumbs) + pairs.j)
        self.root = np.arange(len(thumbs))  # of each node, its cluster
        self.members: dict[int, np.ndarray] = {}
        self.joins: dict[int, list[int]] = {}
        self._apart: dict[int, set[int]] = defaultdict(set)  # clusters that must not join

    def take(self, row: int) -> None:
        """Join the clusters of a pair's nodes where they are similar."""
        one, two = int(self.root[self._pairs.i[row]]), int(self.root[self._pairs.j[row]])
        if one == two or two in self._apart[one]:
            return
        if self._similar(self._own(one), self._own(two)):
            self._join(one, two, row)
        else:
            self._apart[one].add(two)
            self._apart[two].add(one)

    def _own(self, root: int) -> np.ndarray:
        return self.members.get(root, np.array([root]))

    def _join(self, one: int, two: int, row: int) -> None:
        """Make the smaller cluster part of the larger one."""
        if len(self._own(one)) < len(self._own(two)):
            one, two = two, one
        self.root[self._own(two)] = one
        self.members[one] = np.concatenate([self._own(one), self._own(two)])
        self.members.pop(two, None)
        self.joins.setdefault(one, []).extend([*self.joins.pop(two, []), row])
        for other in self._apart.pop(two, set()):
            self._apart[other].discard(two)
            self._apart[other].add(one)
            self._apart[one].add(other)

    def _similar(self, left: np.ndarray, right: np.ndarray) -> bool:
        """Return whether the pairs across, but for confirmed ones, reach the bound."""
        n = len(left) * len(right)
        if n == 1:
            return True
        drawn = _draw(n)
        a, b = left[drawn // len(right)], right[drawn % len(right)]
        a, b = np.minimum(a, b), np.maximum(a, b)
        keys = a * len(self._thumbs) + b
        at = np.minimum(np.searchsorted(self._paired, keys), len(self._paired) - 1)
        rest = np.flatnonzero(self._paired[at] != keys)
        for rotation in self._rotations:
            if not len(rest):
                break
            similarity = aligned_similarity(self._thumbs, a[rest], b[rest], rotation)
            rest = rest[similarity < MIN_MEMBER_SIMILARITY]
        return len(rest) == 0


def _draw(n: int) -> np.ndarray:
    """Return the indices of all n pairs, or of as many as a comparison takes."""
    if n <= _MOST_ACROSS:
        return np.arange(n)
    return np.random.default_rng(n).integers(0, n, _MOST_ACROSS)
