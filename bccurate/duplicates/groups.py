"""What a duplicate is: equal pixels, or pictures that fall on each other once aligned.

Exact: the decoded pixels are equal. Near: hashes within the threshold, or small pictures that look
alike, and in either case a correlation of at least 0.98 after alignment (``duplicates.pairs``).
Groups hold pictures of which any two are alike (``duplicates.clusters``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bccurate.duplicates.clusters import Cluster, cluster
from bccurate.duplicates.components import connected
from bccurate.duplicates.engine import LOCAL, Engine
from bccurate.duplicates.pairs import Links, find_links, why

KEEP = ("first", "largest", "sharpest")
MIN_INTENSITY_STD = 1.0  # the hash of a flat picture is rounding noise

Rank = Callable[[int], tuple]


class Link(NamedTuple):
    """Why two images are in one group.

    Attributes:
        a, b: indices.
        distance: of their hashes, in bits of 64.
        similarity: their correlation after alignment, 0.98 to 1.
        turn: 0 to 7, what b needs to fall on a; see ``turns.TURNS``.
        why: the same in words.
    """

    a: int
    b: int
    distance: int
    similarity: float
    turn: int
    why: str


@dataclass(frozen=True)
class Group:
    """One set of duplicates.

    Attributes:
        members: indices, the keeper first, then ascending.
        kind: ``"exact"`` where all members have equal pixels, else ``"near"``.
        similarity: the lowest confirmed correlation that holds the group together, 0 to 1.
        links: how each member came in, one fewer than members: the confirmed pairs that joined
            the group, closest first, then every exact copy with the one it equals.
    """

    members: tuple[int, ...]
    kind: str
    similarity: float
    links: tuple[Link, ...]


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
    rank: Rank,
    turns: int = 1,
    engine: Engine = LOCAL,
) -> Found:
    """Group N images into duplicates.

    Args:
        pixelhashes: equal where the decoded pixels are.
        hashes: (N,) uint64 perceptual hashes.
        intensity_std: (N,) 0 to 255; flat images are matched exactly only.
        thumbs: (N, 32, 32) uint8 of ``registration.thumbnail``.
        threshold: largest Hamming distance of a candidate pair.
        rank: index to a sort key; the lowest of a group is kept.
        turns: 8 to match the rotations by 90 degrees and the flips too, else 1.
        engine: where candidates are searched; the outcome is the same.
    """
    copies = _copies(pixelhashes)
    firsts = np.fromiter(copies, dtype=np.int64, count=len(copies))
    nodes = firsts[intensity_std[firsts] >= MIN_INTENSITY_STD]
    links = find_links(hashes[nodes], thumbs[nodes], threshold, turns, engine)
    links = links._replace(i=nodes[links.i], j=nodes[links.j])
    clusters = cluster(links, thumbs, turns)
    clustered = {node for own in clusters for node in own.members}
    clusters += [
        Cluster([node], [])
        for node, own in copies.items()
        if len(own) > 1 and node not in clustered
    ]
    groups = [_group(own, copies, links, threshold, rank) for own in clusters]
    groups.sort(key=lambda group: (-len(group.members), group.members))
    pairs = np.array([(a, b) for a, own in copies.items() for b in own[1:]], dtype=np.int64)
    i, j = pairs.reshape(-1, 2).T
    i, j = np.concatenate([i, links.i]), np.concatenate([j, links.j])
    return Found(groups, connected(len(pixelhashes), i, j))


def keeper_rank(
    keep: str, paths: Sequence[str], areas: Sequence[int], sharpness: Sequence[float]
) -> Rank:
    """The sort key of ``find_groups`` for one of ``KEEP``; ties go to the first path."""
    ranks: dict[str, Rank] = {
        "first": lambda i: (paths[i],),
        "largest": lambda i: (-areas[i], paths[i]),
        "sharpest": lambda i: (-sharpness[i], paths[i]),
    }
    return ranks[keep]


def _copies(pixelhashes: Sequence[str]) -> dict[int, list[int]]:
    """The first image of every picture to all images with its pixels."""
    first: dict[str, int] = {}
    copies: dict[int, list[int]] = {}
    for index, pixelhash in enumerate(pixelhashes):
        copies.setdefault(first.setdefault(pixelhash, index), []).append(index)
    return copies


def _group(
    own: Cluster, copies: dict[int, list[int]], links: Links, threshold: int, rank: Rank
) -> Group:
    members = [index for node in own.members for index in copies[node]]
    keeper = min(members, key=rank)
    rows = zip(*(column[sorted(own.links)].tolist() for column in links), strict=True)
    joins = [
        Link(a, b, bits, alike, turn, why(bits, alike, turn, threshold))
        for a, b, bits, alike, turn in rows
    ]
    similarity = min((join.similarity for join in joins), default=1.0)
    for node in own.members:
        centre = keeper if keeper in copies[node] else node
        joins += [Link(centre, i, 0, 1.0, 0, "equal pixels") for i in copies[node] if i != centre]
    others = sorted(set(members) - {keeper})
    kind = "near" if own.links else "exact"
    return Group((keeper, *others), kind, similarity, tuple(joins))
