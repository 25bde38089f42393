"""Clusters of confirmed pairs: whole where all are alike, cut where they are not, and bounded."""

from __future__ import annotations

import numpy as np

from bccurate.duplicates import clusters
from bccurate.duplicates.clusters import MIN_MEMBER_SIMILARITY, cluster
from bccurate.duplicates.pair_search import aligned_similarity
from bccurate.duplicates.pairs import DuplicatePairs
from bccurate.duplicates.registration import rotated

RNG = np.random.default_rng(3)


def _waves(phase: float) -> np.ndarray:
    y, x = np.mgrid[:32, :32] / 5.0
    return 127 + 60 * (np.sin(x + phase) * np.cos(0.7 * y) + np.cos(0.4 * x * phase + 1.3 * y)) / 2


def _morph(steps: int) -> np.ndarray:
    """(steps, 32, 32) uint8 from one picture to a stranger."""
    share = np.linspace(0, 1, steps)[:, None, None]
    return np.uint8(_waves(1.0) * (1 - share) + _waves(2.3) * share)


def _pairs(thumbs: np.ndarray, least: float = 0.98) -> DuplicatePairs:
    """All pairs that correlate by ``least`` without alignment, the most alike first."""
    alike = np.corrcoef(thumbs.reshape(len(thumbs), -1))
    i, j = np.nonzero(np.triu(alike >= least, 1))
    order = np.argsort(-alike[i, j], kind="stable")
    i, j = i[order], j[order]
    none = np.zeros(len(i), dtype=np.int64)
    return DuplicatePairs(i, j, none, alike[i, j], none)


def test_copies_of_a_picture_are_one_cluster_held_by_one_link_fewer() -> None:
    """5 noisy copies are all linked; the 4 pairs named form a tree."""
    thumbs = np.uint8(np.clip(_waves(1.0) + RNG.normal(0, 3, (5, 32, 32)), 0, 255))
    pairs = _pairs(thumbs)
    assert len(pairs.i) == 10
    (found,) = cluster(pairs, thumbs, False)
    assert sorted(found.members) == [0, 1, 2, 3, 4] and len(found.pairs) == 4
    ends = set(pairs.i[found.pairs].tolist()) | set(pairs.j[found.pairs].tolist())
    assert ends == {0, 1, 2, 3, 4}


def test_any_two_members_are_alike() -> None:
    """A morph in 60 steps is cut, and every picture of it that has a link is in one cluster."""
    thumbs = _morph(60)
    found = cluster(_pairs(thumbs), thumbs, False)
    assert len(found) > 1
    for members, _ in found:
        i, j = np.triu_indices(len(members), 1)
        own = np.array(members)
        pairs = np.minimum(own[i], own[j]), np.maximum(own[i], own[j])
        assert aligned_similarity(thumbs, *pairs).min() >= MIN_MEMBER_SIMILARITY
    members = [node for own in found for node in own.members]
    assert len(members) == len(set(members))


def test_turned_copies_are_alike_in_their_turn() -> None:
    """An image in four rotations, in a chain of pairs: one cluster with rotations, two without."""
    picture = np.uint8(_waves(1.0))[None]
    thumbs = np.concatenate([rotated(picture, turn) for turn in range(4)])
    i, turn = np.arange(3), np.full(3, 3)
    pairs = DuplicatePairs(i, i + 1, np.zeros(3, dtype=np.int64), np.ones(3), turn)
    assert len(cluster(pairs, thumbs, True)) == 1
    assert sorted(len(own.members) for own in cluster(pairs, thumbs, False)) == [2, 2]


def test_a_long_film_takes_a_bounded_number_of_looks(monkeypatch) -> None:
    """1,000 slowly varying images: at most 256 pairs per comparison, few of the pairs in all."""
    looks: list[int] = []

    def counted(thumbs, i, j, turn=0):
        looks.append(len(i))
        a, b = thumbs[i].reshape(len(i), -1), thumbs[j].reshape(len(j), -1)
        a, b = (x - x.mean(axis=1, keepdims=True) for x in (a, b))
        return (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))

    monkeypatch.setattr(clusters, "aligned_similarity", counted)
    film = _morph(1000)
    pairs = _pairs(film)
    found = cluster(pairs, film, False)
    assert max(looks) <= 256
    assert sum(looks) < len(pairs.i) / 5
    assert max(len(own.members) for own in found) > 100
