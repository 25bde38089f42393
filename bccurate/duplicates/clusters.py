"""Links to clusters in which any two are alike, so that a chain does not swallow a class.

Agglomerative, the most alike pair first, complete linkage: two clusters join where every pair
across is confirmed or correlates by at least 0.95. Two that do not join never will, since joining
others only adds pairs; so each pair of clusters is judged once. A judgement looks at up to 256
pairs, all there are between clusters of 16, else as many drawn with a fixed seed: the cost is
linear in the joins, and a cluster of hundreds may hold a few pairs beyond the bound.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from bccurate.duplicates.pair_search import aligned_similarity
from bccurate.duplicates.pairs import Links

MIN_MEMBER_SIMILARITY = 0.95  # of any two in a cluster
_MOST_ACROSS = 256  # pairs that one judgement looks at
_CHUNK = 1 << 16  # links between two looks at which of them still matter


class Cluster(NamedTuple):
    """``members``: two node indices or more; ``links``: rows of the links that joined them, one
    fewer."""

    members: list[int]
    links: list[int]


def cluster(links: Links, thumbs: np.ndarray, turns: int) -> list[Cluster]:
    """Join linked nodes, closest first, while all members stay alike.

    Args:
        links: between N nodes.
        thumbs: (N, 32, 32) uint8.
        turns: 1 or 8, as the links were found with.
    """
    forest = _Forest(links, thumbs, turns)
    for start in range(0, len(links.i), _CHUNK):
        one = forest.root[links.i[start : start + _CHUNK]]
        two = forest.root[links.j[start : start + _CHUNK]]
        for row in (np.flatnonzero(one != two) + start).tolist():
            forest.take(row)
    return [Cluster(forest.members[root].tolist(), rows) for root, rows in forest.joins.items()]


class _Forest:
    """Clusters under way. A cluster's name is one of its nodes."""

    def __init__(self, links: Links, thumbs: np.ndarray, turns: int) -> None:
        self._links, self._thumbs, self._turns = links, thumbs, turns
        self._linked = np.sort(links.i * len(thumbs) + links.j)
        self.root = np.arange(len(thumbs))  # of each node, its cluster
        self.members: dict[int, np.ndarray] = {}
        self.joins: dict[int, list[int]] = {}
        self._strangers: dict[int, set[int]] = defaultdict(set)  # clusters that are not alike

    def take(self, row: int) -> None:
        """Join the clusters of a link's ends where they are alike."""
        one, two = int(self.root[self._links.i[row]]), int(self.root[self._links.j[row]])
        if one == two or two in self._strangers[one]:
            return
        if self._alike(self._own(one), self._own(two)):
            self._join(one, two, row)
        else:
            self._strangers[one].add(two)
            self._strangers[two].add(one)

    def _own(self, root: int) -> np.ndarray:
        return self.members.get(root, np.array([root]))

    def _join(self, one: int, two: int, row: int) -> None:
        """The smaller cluster becomes part of the larger one."""
        if len(self._own(one)) < len(self._own(two)):
            one, two = two, one
        self.root[self._own(two)] = one
        self.members[one] = np.concatenate([self._own(one), self._own(two)])
        self.members.pop(two, None)
        self.joins.setdefault(one, []).extend([*self.joins.pop(two, []), row])
        for other in self._strangers.pop(two, set()):
            self._strangers[other].discard(two)
            self._strangers[other].add(one)
            self._strangers[one].add(other)

    def _alike(self, left: np.ndarray, right: np.ndarray) -> bool:
        """Whether the pairs across, confirmed ones aside, pass the bound in some turn."""
        n = len(left) * len(right)
        if n == 1:
            return True
        draw = _drawn(n)
        a, b = left[draw // len(right)], right[draw % len(right)]
        a, b = np.minimum(a, b), np.maximum(a, b)
        keys = a * len(self._thumbs) + b
        at = np.minimum(np.searchsorted(self._linked, keys), len(self._linked) - 1)
        rest = np.flatnonzero(self._linked[at] != keys)
        for turn in range(self._turns):
            if not len(rest):
                break
            similarity = aligned_similarity(self._thumbs, a[rest], b[rest], turn)
            rest = rest[similarity < MIN_MEMBER_SIMILARITY]
        return len(rest) == 0


def _drawn(n: int) -> np.ndarray:
    """All of n pairs, or as many as a judgement looks at."""
    if n <= _MOST_ACROSS:
        return np.arange(n)
    return np.random.default_rng(n).integers(0, n, _MOST_ACROSS)
