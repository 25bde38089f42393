"""What a duplicate is: equal pixels, or near hashes that the pixels confirm.

Exact: the decoded pixels are equal. Near: hashes within the threshold, then confirmed by the
normalised correlation of small grey pictures over shifts of up to 2 pixels, because single cells
look alike and a hash alone calls strangers twins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from bccurate.curation.matching import near_pairs

KEEP = ("first", "largest", "sharpest")
MIN_CORRELATION = 0.95
MIN_INTENSITY_STD = 1.0  # the hash of a flat picture is rounding noise
SHIFT = 2  # pixels of the 32x32 picture
SIDE = 32


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


def find_groups(
    pixelhashes: Sequence[str],
    hashes: np.ndarray,
    intensity_std: np.ndarray,
    threshold: int,
    load_thumbnail: Callable[[int], np.ndarray],
    rank: Callable[[int], tuple],
) -> list[Group]:
    """Group N images into duplicates, largest group first.

    Near groups grow from the closest pair on and have a diameter of at most twice the
    threshold, so that a chain of near pairs does not swallow a class.

    Args:
        pixelhashes: equal where the decoded pixels are.
        hashes: (N,) uint64 perceptual hashes.
        intensity_std: (N,) 0 to 255; flat images are matched exactly only.
        threshold: largest Hamming distance of a candidate pair.
        load_thumbnail: index to ``thumbnail`` of the image; asked for candidates only.
        rank: index to a sort key; the lowest of a group is kept.
    """
    exact: dict[str, list[int]] = {}
    for index, pixelhash in enumerate(pixelhashes):
        exact.setdefault(pixelhash, []).append(index)
    firsts = np.array([members[0] for members in exact.values()], dtype=np.int64)
    textured = firsts[intensity_std[firsts] >= MIN_INTENSITY_STD]
    links = _confirmed_links(textured, hashes, threshold, load_thumbnail)
    clusters = _cluster(links, hashes, cap=2 * threshold)
    groups = []
    linked = {index for members, _ in clusters for index in members}
    clusters += [([int(i)], 1.0) for i in firsts if int(i) not in linked]
    for nodes, similarity in clusters:
        members = [index for node in nodes for index in exact[pixelhashes[node]]]
        if len(members) > 1:
            keeper = min(members, key=rank)
            others = sorted(set(members) - {keeper})
            kind = "exact" if len(nodes) == 1 else "near"
            groups.append(Group((keeper, *others), kind, similarity))
    return sorted(groups, key=lambda group: (-len(group.members), group.members))


def thumbnail(rgb: np.ndarray) -> np.ndarray:
    """A (32, 32) float32 grey picture for ``correlation``."""
    image = Image.fromarray(rgb).convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(image, dtype=np.float32)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """The highest normalised correlation of two thumbnails over small shifts, -1 to 1."""
    best = -1.0
    for dy in range(-SHIFT, SHIFT + 1):
        for dx in range(-SHIFT, SHIFT + 1):
            one = a[max(dy, 0) : SIDE + min(dy, 0), max(dx, 0) : SIDE + min(dx, 0)]
            two = b[max(-dy, 0) : SIDE + min(-dy, 0), max(-dx, 0) : SIDE + min(-dx, 0)]
            one = one - one.mean()
            two = two - two.mean()
            norm = float(np.sqrt((one * one).sum() * (two * two).sum()))
            best = max(best, float((one * two).sum()) / norm if norm else 0.0)
    return best


def label_counts(labels: Sequence[str | None]) -> dict[str, int]:
    """How often each label occurs, most frequent first; samples without one left out."""
    counts = Counter(label for label in labels if label is not None)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _confirmed_links(
    nodes: np.ndarray,
    hashes: np.ndarray,
    threshold: int,
    load_thumbnail: Callable[[int], np.ndarray],
) -> list[tuple[int, int, int, float]]:
    """(distance, i, j, correlation) of the candidate pairs that the pixels confirm."""
    i, j, distance = near_pairs(hashes[nodes], threshold)
    cache: dict[int, np.ndarray] = {}
    links = []
    for a, b, d in zip(nodes[i].tolist(), nodes[j].tolist(), distance.tolist(), strict=True):
        for index in (a, b):
            if index not in cache:
                cache[index] = load_thumbnail(index)
        similarity = correlation(cache[a], cache[b])
        if similarity >= MIN_CORRELATION:
            links.append((d, a, b, similarity))
    return sorted(links)


def _cluster(
    links: list[tuple[int, int, int, float]], hashes: np.ndarray, cap: int
) -> list[tuple[list[int], float]]:
    """Join linked nodes, closest first, while no two in a cluster differ in more than cap bits."""
    cluster_of: dict[int, int] = {}
    clusters: dict[int, tuple[list[int], float]] = {}
    for _, a, b, similarity in links:
        for node in (a, b):
            if node not in cluster_of:
                cluster_of[node] = node
                clusters[node] = ([node], 1.0)
        one, two = cluster_of[a], cluster_of[b]
        if one == two:
            continue
        left, right = clusters[one], clusters[two]
        apart = np.bitwise_count(hashes[left[0]][:, None] ^ hashes[right[0]][None, :])
        if apart.max() <= cap:
            clusters[one] = (left[0] + right[0], min(left[1], right[1], similarity))
            del clusters[two]
            cluster_of.update(dict.fromkeys(right[0], one))
    return [cluster for cluster in clusters.values() if len(cluster[0]) > 1]
