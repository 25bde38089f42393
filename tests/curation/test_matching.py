"""All pairs within a distance: none missed, none invented, compared with brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bccurate.curation.matching import near_pairs


def _brute_force(hashes: list[int], threshold: int) -> list[tuple[int, int, int]]:
    pairs = []
    for i, one in enumerate(hashes):
        for j in range(i + 1, len(hashes)):
            distance = (one ^ hashes[j]).bit_count()
            if distance <= threshold:
                pairs.append((i, j, distance))
    return pairs


def _found(hashes: list[int], threshold: int) -> list[tuple[int, int, int]]:
    i, j, d = near_pairs(np.array(hashes, dtype=np.uint64), threshold)
    assert i.dtype == j.dtype == d.dtype == np.int64
    return list(zip(i.tolist(), j.tolist(), d.tolist(), strict=True))


def _planted(n: int, seed: int) -> list[int]:
    """Random hashes, each with a neighbour at 0 to 16 bits and some repeats."""
    rng = np.random.default_rng(seed)
    hashes = []
    for number in range(n):
        one = int(rng.integers(2**64, dtype=np.uint64))
        bits = rng.choice(64, number % 17, replace=False).tolist()
        hashes += [one, one ^ sum(1 << bit for bit in bits)]
    hashes += hashes[:5] * 2
    return rng.permutation(np.array(hashes, dtype=np.uint64)).tolist()


@pytest.mark.parametrize("threshold", range(15))
def test_planted_neighbours_are_found_at_every_threshold(threshold: int) -> None:
    """230 hashes with neighbours at every distance: exactly the pairs of brute force."""
    hashes = _planted(110, threshold)
    assert _found(hashes, threshold) == _brute_force(hashes, threshold)


@given(
    st.lists(
        st.one_of(
            st.integers(0, 2**64 - 1),
            st.integers(0, 63).map(lambda bit: 1 << bit),
            st.integers(0, 15).map(lambda few: (1 << few) - 1),
            st.sampled_from([0, 2**64 - 1, 2**63]),
        ),
        max_size=40,
    ),
    st.integers(0, 14),
)
@settings(max_examples=150, deadline=None)
def test_any_hashes_give_the_pairs_of_brute_force(hashes: list[int], threshold: int) -> None:
    """Whatever the hashes: repeats, single bits, all ones, none at all."""
    assert _found(hashes, threshold) == _brute_force(hashes, threshold)


@pytest.mark.parametrize("plan", [(5, 1), (6, 2), (7, 3), (8, 4), (10, 4)])
def test_every_plan_of_blocks_gives_the_same_pairs(monkeypatch, plan) -> None:
    """The cost model chooses for speed; no choice changes the outcome."""
    hashes = _planted(60, 1)
    monkeypatch.setattr("bccurate.curation.matching._plan", lambda n, threshold: plan)
    assert _found(hashes, 4) == _brute_force(hashes, 4)


def test_none_one_and_two_hashes() -> None:
    """The smallest inputs."""
    assert _found([], 4) == _found([7], 4) == []
    assert _found([7, 7], 0) == [(0, 1, 0)]
    assert _found([0, 2**64 - 1], 14) == []
    assert _found([0, 0b111], 3) == [(0, 1, 3)]


def test_many_repeats_give_every_pair_once() -> None:
    """300 equal hashes are 300 * 299 / 2 pairs."""
    assert len(_found([5] * 300, 4)) == 44_850
