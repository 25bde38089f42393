"""What a duplicate is: equal pixels, or pictures that fall on each other once aligned.

Exact: the decoded pixels are equal. Near: hashes within the threshold, or small pictures that look
alike (see ``curation.registration``), and in either case a correlation of at least 0.98 after
alignment, because single cells look alike and a hash alone calls strangers twins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from bccurate.curation.matching import near_pairs
from bccurate.curation.registration import aligned_similarity, confirmed, similar_pairs

KEEP = ("first", "largest", "sharpest")
MIN_INTENSITY_STD = 1.0  # the hash of a flat picture is rounding noise
MAX_SEARCHED = 100_000  # all pairs of small pictures are compared up to here; hashes have no bound
_MIN_MEMBER_SIMILARITY = 0.95  # of any two in a group: a chain of near pairs is no group

_Link = tuple[int, int, float]


@dataclass(frozen=True)
class Group:
    """One set of duplicates.

    Attributes:
        members: indices, the keeper first, then ascending.
        kind: ``"exact"`` where all members have equal pixels, else ``"near"``.
        similarity: the lowest confirmed correlation that holds the group together, 0 to 1.
    """

    members: tuple[int, ...]
    kind: str
    similarity: float


@dataclass(frozen=True)
class Found:
    """``groups``, largest first, and ``linked``: N numbers, equal where any chain of exact or
    confirmed near pairs leads from one image to the other. A split keeps those together."""

    groups: list[Group]
    linked: list[int]


def find_groups(
    pixelhashes: Sequence[str],
    hashes: np.ndarray,
    intensity_std: np.ndarray,
    thumbs: np.ndarray,
    threshold: int,
    rank: Callable[[int], tuple],
    turns: int = 1,
) -> Found:
    """Group N images into duplicates.

    Near groups grow from the closest pair on, and any two members are alike, so that a chain of
    near pairs does not swallow a class.

    Args:
        pixelhashes: equal where the decoded pixels are.
        hashes: (N,) uint64 perceptual hashes.
        intensity_std: (N,) 0 to 255; flat images are matched exactly only.
        thumbs: (N, 32, 32) uint8 of ``registration.thumbnail``.
        threshold: largest Hamming distance of a candidate pair.
        rank: index to a sort key; the lowest of a group is kept.
        turns: 8 to match the rotations by 90 degrees and the flips too, else 1.
    """
    exact: dict[str, list[int]] = {}
    for index, pixelhash in enumerate(pixelhashes):
        exact.setdefault(pixelhash, []).append(index)
    firsts = np.array([members[0] for members in exact.values()], dtype=np.int64)
    textured = firsts[intensity_std[firsts] >= MIN_INTENSITY_STD]
    links = _links(textured, hashes, thumbs, threshold, turns)
    clusters = _cluster(links, thumbs, turns)
    linked = {index for members, _ in clusters for index in members}
    clusters += [([index], 1.0) for index in firsts.tolist() if index not in linked]
    groups = []
    for nodes, similarity in clusters:
        members = [index for node in nodes for index in exact[pixelhashes[node]]]
        if len(members) > 1:
            keeper = min(members, key=rank)
            others = sorted(set(members) - {keeper})
            kind = "exact" if len(nodes) == 1 else "near"
            groups.append(Group((keeper, *others), kind, similarity))
    groups.sort(key=lambda group: (-len(group.members), group.members))
    return Found(groups, _components(exact, links, len(pixelhashes)))


def label_counts(labels: Sequence[str | None]) -> dict[str, int]:
    """How often each label occurs, most frequent first; samples without one left out."""
    counts = Counter(label for label in labels if label is not None)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _links(
    nodes: np.ndarray, hashes: np.ndarray, thumbs: np.ndarray, threshold: int, turns: int
) -> list[_Link]:
    """Confirmed pairs, closest first."""
    own = thumbs[nodes]
    i, j, _ = near_pairs(hashes[nodes], threshold)
    tables = [confirmed(own, i, j)]
    if len(nodes) <= MAX_SEARCHED:
        tables.append(similar_pairs(own, turns))
    similarity = {
        (a, b): s
        for i, j, values, _ in tables
        for a, b, s in zip(nodes[i].tolist(), nodes[j].tolist(), values.tolist(), strict=True)
    }
    return sorted(((a, b, s) for (a, b), s in similarity.items()), key=lambda x: (-x[2], x))


def _components(exact: dict[str, list[int]], links: list[_Link], n: int) -> list[int]:
    rows = [(group[0], other) for group in exact.values() for other in group]
    rows += [(a, b) for a, b, _ in links]
    i, j = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(i), dtype=bool), (i, j)), shape=(n, n))
    return connected_components(graph, directed=False)[1].tolist() if n else []


def _similarity(thumbs: np.ndarray, i: np.ndarray, j: np.ndarray, turns: int) -> np.ndarray:
    """The best over the turns, (P,)."""
    return np.max([aligned_similarity(thumbs, i, j, turn) for turn in range(turns)], axis=0)


def _cluster(links: list[_Link], thumbs: np.ndarray, turns: int) -> list[tuple[list[int], float]]:
    """Join linked nodes, closest first, while all members stay alike."""
    cluster_of: dict[int, int] = {}
    clusters: dict[int, tuple[list[int], float]] = {}
    for a, b, similarity in links:
        for node in (a, b):
            if node not in cluster_of:
                cluster_of[node] = node
                clusters[node] = ([node], 1.0)
        one, two = cluster_of[a], cluster_of[b]
        if one == two:
            continue
        left, right = clusters[one], clusters[two]
        across = np.array(list(product(left[0], right[0]))).T
        alike = len(across[0]) == 1 or (
            _similarity(thumbs, across[0], across[1], turns).min() >= _MIN_MEMBER_SIMILARITY
        )
        if alike:
            clusters[one] = (left[0] + right[0], min(left[1], right[1], similarity))
            del clusters[two]
            cluster_of.update(dict.fromkeys(right[0], one))
    return [cluster for cluster in clusters.values() if len(cluster[0]) > 1]
