"""Group duplicate images: equal pixels, or thumbnails that correlate once registered.

Exact: the decoded pixels are equal. Near: hashes within the threshold, or similar thumbnails, and
in either case a correlation of at least 0.98 after registration (``duplicates.pairs``). Any two
members of a group are similar (``duplicates.clusters``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bccurate.duplicates.clusters import Cluster, cluster
from bccurate.duplicates.engine import LOCAL, Engine
from bccurate.duplicates.pairs import DuplicatePairs, SearchOptions, explain, find_pairs

MIN_INTENSITY_STD = 1.0  # the hash of a flat image is rounding noise

Rank = Callable[[int], tuple]


@dataclass(frozen=True)
class ImageColumns:
    """What a search needs to know of N images.

    Attributes:
        pixelhashes: N strings, equal where the decoded pixels are.
        hashes: (N,) uint64 perceptual hashes.
        intensity_std: (N,) 0 to 255; flat images are matched exactly only.
        thumbs: (N, 32, 32) uint8 of ``images.thumbnail``.
    """

    pixelhashes: Sequence[str]
    hashes: np.ndarray
    intensity_std: np.ndarray
    thumbs: np.ndarray


class Pair(NamedTuple):
    """Why two images are in one group.

    Attributes:
        a, b: indices.
        distance: of their hashes, in bits of 64.
        similarity: their correlation after registration, 0.98 to 1.
        rotation: 0 to 7, maps b onto a; an index of ``dihedral.ROTATIONS``.
        why: the same in words.
    """

    a: int
    b: int
    distance: int
    similarity: float
    rotation: int
    why: str


@dataclass(frozen=True)
class Group:
    """One set of duplicates.

    Attributes:
        members: indices, the keeper first, then ascending.
        kind: ``"exact"`` where all members have equal pixels, else ``"near"``.
        similarity: the lowest confirmed correlation that holds the group together, 0 to 1.
        pairs: how each member joined, one fewer than members: the confirmed pairs that formed the
            group, closest first, then every exact copy with the image it equals.
    """

    members: tuple[int, ...]
    kind: str
    similarity: float
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Found:
    """The result of a search.

    Attributes:
        groups: largest first.
        joined: i and j, (P,) int64 each, of exact copies with the first of their pixels and of all
            confirmed near pairs, in one group or not. ``split`` keeps their connected components
            together.
    """

    groups: list[Group]
    joined: tuple[np.ndarray, np.ndarray]


def find_groups(
    images: ImageColumns, search: SearchOptions, rank: Rank, engine: Engine = LOCAL
) -> Found:
    """Group N images into duplicates.

    Args:
        images: the images.
        search: which candidates are compared.
        rank: index to a sort key; the image with the lowest key of a group is kept.
        engine: where candidates are searched; the result is the same.
    """
    copies = _copies(images.pixelhashes)
    firsts = np.fromiter(copies, dtype=np.int64, count=len(copies))
    nodes = firsts[images.intensity_std[firsts] >= MIN_INTENSITY_STD]
    pairs = find_pairs(images.hashes[nodes], images.thumbs[nodes], search, engine)
    pairs = pairs._replace(i=nodes[pairs.i], j=nodes[pairs.j])
    clusters = cluster(pairs, images.thumbs, search.rotations)
    clustered = {node for own in clusters for node in own.members}
    clusters += [
        Cluster([node], [])
        for node, own in copies.items()
        if len(own) > 1 and node not in clustered
    ]
    groups = [_group(own, copies, pairs, search.threshold, rank) for own in clusters]
    groups.sort(key=lambda group: (-len(group.members), group.members))
    equal = np.array([(a, b) for a, own in copies.items() for b in own[1:]], dtype=np.int64)
    i, j = equal.reshape(-1, 2).T
    return Found(groups, (np.concatenate([i, pairs.i]), np.concatenate([j, pairs.j])))


def keeper_rank(
    keep: str, paths: Sequence[str], areas: Sequence[int], sharpness: Sequence[float]
) -> Rank:
    """Return the sort key of ``find_groups`` for a name of ``KEEP``; ties go to the first path."""
    ranks: dict[str, Rank] = {
        "first": lambda i: (paths[i],),
        "largest": lambda i: (-areas[i], paths[i]),
        "sharpest": lambda i: (-sharpness[i], paths[i]),
    }
    return ranks[keep]


def _copies(pixelhashes: Sequence[str]) -> dict[int, list[int]]:
    """Map the first image of each pixel hash to all images that have it."""
    first: dict[str, int] = {}
    copies: dict[int, list[int]] = {}
    for index, pixelhash in enumerate(pixelhashes):
        copies.setdefault(first.setdefault(pixelhash, index), []).append(index)
    return copies


def _group(
    own: Cluster, copies: dict[int, list[int]], pairs: DuplicatePairs, threshold: int, rank: Rank
) -> Group:
    members = [index for node in own.members for index in copies[node]]
    keeper = min(members, key=rank)
    rows = zip(*(column[sorted(own.pairs)].tolist() for column in pairs), strict=True)
    joins = [
        Pair(a, b, bits, similarity, rotation, explain(bits, similarity, rotation, threshold))
        for a, b, bits, similarity, rotation in rows
    ]
    lowest = min((join.similarity for join in joins), default=1.0)
    for node in own.members:
        centre = keeper if keeper in copies[node] else node
        joins += [Pair(centre, i, 0, 1.0, 0, "equal pixels") for i in copies[node] if i != centre]
    others = sorted(set(members) - {keeper})
    kind = "near" if own.pairs else "exact"
    return Group((keeper, *others), kind, lowest, tuple(joins))
