"""Confirmed pairs join to clusters in which any two members are similar, at a bounded cost."""

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
    """Return (steps, 32, 32) uint8 that change slowly from one image to another."""
    share = np.linspace(0, 1, steps)[:, None, None]
    return np.uint8(_waves(1.0) * (1 - share) + _waves(2.3) * share)


def _pairs(thumbs: np.ndarray, least: float = 0.98) -> DuplicatePairs:
    """Return all pairs that correlate by ``least`` without registration, the highest first."""
    similarity = np.corrcoef(thumbs.reshape(len(thumbs), -1))
    i, j = np.nonzero(np.triu(similarity >= least, 1))
    order = np.argsort(-similarity[i, j], kind="stable")
    i, j = i[order], j[order]
    none = np.zeros(len(i), dtype=np.int64)
    return DuplicatePairs(i, j, none, similarity[i, j], none)


def test_copies_of_an_image_are_one_cluster_with_one_pair_fewer_than_members() -> None:
    """5 noisy copies make 10 pairs; the 4 that the cluster keeps form a tree."""
    thumbs = np.uint8(np.clip(_waves(1.0) + RNG.normal(0, 3, (5, 32, 32)), 0, 255))
    pairs = _pairs(thumbs)
    assert len(pairs.i) == 10
    (found,) = cluster(pairs, thumbs, False)
    assert sorted(found.members) == [0, 1, 2, 3, 4] and len(found.pairs) == 4
    ends = set(pairs.i[found.pairs].tolist()) | set(pairs.j[found.pairs].tolist())
    assert ends == {0, 1, 2, 3, 4}


def test_any_two_members_are_similar() -> None:
    """A morph in 60 steps is cut; no image is in two clusters."""
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


def test_rotated_copies_join_where_rotations_are_compared() -> None:
    """An image in four rotations, in a chain of pairs: one cluster with rotations, two without."""
    image = np.uint8(_waves(1.0))[None]
    thumbs = np.concatenate([rotated(image, rotation) for rotation in range(4)])
    i, rotation = np.arange(3), np.full(3, 3)
    pairs = DuplicatePairs(i, i + 1, np.zeros(3, dtype=np.int64), np.ones(3), rotation)
    assert len(cluster(pairs, thumbs, True)) == 1
    assert sorted(len(own.members) for own in cluster(pairs, thumbs, False)) == [2, 2]


def test_a_long_chain_takes_a_bounded_number_of_comparisons(monkeypatch) -> None:
    """1,000 slowly varying images: at most 256 pairs per comparison, few of the pairs in all."""
    compared: list[int] = []

    def counted(thumbs, i, j, rotation=0):
        compared.append(len(i))
        a, b = thumbs[i].reshape(len(i), -1), thumbs[j].reshape(len(j), -1)
        a, b = (x - x.mean(axis=1, keepdims=True) for x in (a, b))
        return (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))

    monkeypatch.setattr(clusters, "aligned_similarity", counted)
    chain = _morph(1000)
    pairs = _pairs(chain)
    found = cluster(pairs, chain, False)
    assert max(compared) <= 256
    assert sum(compared) < len(pairs.i) / 5
    assert max(len(own.members) for own in found) > 100
