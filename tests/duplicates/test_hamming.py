"""All pairs within a Hamming distance, equal to those of brute force."""

from __future__ import annotations

import ctypes
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bccurate import native
from bccurate.duplicates import hamming
from bccurate.duplicates.hamming import cross_pairs, near_pairs
from bccurate.duplicates.hamming_blocks import Plan

SIZE = ctypes.c_int64
COUNT = native.function("bc_near_brute", ctypes.c_void_p, SIZE, SIZE, SIZE)


def _brute_force(hashes: list[int], threshold: int) -> list[tuple[int, int, int]]:
    pairs = []
    for i, one in enumerate(hashes):
        for j in range(i + 1, len(hashes)):
            distance = (one ^ hashes[j]).bit_count()
            if distance <= threshold:
                pairs.append((i, j, distance))
    return pairs


def _count(hashes: np.ndarray, threshold: int) -> int:
    """Count the near pairs by comparing all: in C where it is built."""
    if COUNT is not None:
        return COUNT(native.pointer(hashes), len(hashes), len(hashes), threshold)
    return sum(
        int((np.bitwise_count(hashes[i + 1 :] ^ hashes[i]) <= threshold).sum())
        for i in range(len(hashes))
    )


def _without_kernels(monkeypatch) -> None:
    monkeypatch.setattr(hamming, "_kernel", None)
    monkeypatch.setattr(hamming, "_sort", None)


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


@pytest.mark.parametrize("threshold", range(17))
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
    st.integers(0, 16),
)
@settings(max_examples=150, deadline=None)
def test_any_hashes_give_the_pairs_of_brute_force(hashes: list[int], threshold: int) -> None:
    """Whatever the hashes: repeats, single bits, all ones, none at all."""
    assert _found(hashes, threshold) == _brute_force(hashes, threshold)


@pytest.mark.parametrize("form", ["native", "numpy"])
@pytest.mark.parametrize("threshold", [0, 1, 4, 7])
def test_every_plan_of_blocks_gives_the_same_pairs(monkeypatch, threshold, form) -> None:
    """The cost model chooses groups and k for speed; no choice changes the result."""
    hashes = _planted(60, 1)
    expected = _brute_force(hashes, threshold)
    if form == "numpy":
        _without_kernels(monkeypatch)
    for groups, k in product(range(1, threshold + 2), range(1, 5)):
        plan = Plan.of(threshold, groups, k)
        monkeypatch.setattr(hamming, "cheapest_plan", lambda n, threshold, plan=plan: plan)
        assert _found(hashes, threshold) == expected, (groups, k)


@pytest.mark.parametrize(("threshold", "n"), [(4, 30_000), (10, 8_000)])
def test_large_nodes_are_partitioned_without_loss(threshold: int, n: int) -> None:
    """Hashes that crowd in few values of their high bits: as many pairs as all compared give."""
    rng = np.random.default_rng(3)
    hashes = rng.integers(2**64, size=n, dtype=np.uint64)
    hashes[: n // 2] &= np.uint64(0x0000_1111_FFFF_FFFF)
    hashes[::50] = hashes[1::50] ^ np.uint64(0b1011)
    i, j, distance = near_pairs(hashes, threshold)
    assert (np.bitwise_count(hashes[i] ^ hashes[j]) == distance).all()
    assert distance.max() <= threshold and (i < j).all()
    assert len(set(zip(i.tolist(), j.tolist(), strict=True))) == len(i) == _count(hashes, threshold)


@pytest.mark.parametrize("threshold", [0, 4, 8, 10])
def test_planted_pairs_are_found_among_many(threshold: int) -> None:
    """Of 100,000 random hashes, each planted neighbour within the threshold is found."""
    rng = np.random.default_rng(threshold)
    hashes = rng.integers(2**64, size=100_000, dtype=np.uint64)
    for number in range(500):
        bits = rng.choice(64, number % (threshold + 1), replace=False).tolist()
        hashes[2 * number + 1] = hashes[2 * number] ^ np.uint64(sum(1 << bit for bit in bits))
    i, j, _ = near_pairs(hashes, threshold)
    assert {(2 * n, 2 * n + 1) for n in range(500)} <= set(zip(i.tolist(), j.tolist(), strict=True))


@pytest.mark.parametrize("threshold", [0, 3, 6, 10, 14])
def test_kernels_and_numpy_give_the_same_pairs(monkeypatch, threshold: int) -> None:
    """Whole, in parts and across: the same arrays from both forms."""
    hashes = np.array(_planted(400, 5), dtype=np.uint64)

    def outcomes() -> list[np.ndarray]:
        tables = [near_pairs(hashes, threshold, (k, 3)) for k in range(3)]
        tables += [
            near_pairs(hashes, threshold),
            cross_pairs(hashes[:300], hashes[250:], threshold),
        ]
        return [np.stack(table) for table in tables]

    compiled = outcomes()
    _without_kernels(monkeypatch)
    for one, other in zip(compiled, outcomes(), strict=True):
        np.testing.assert_array_equal(one, other)


@given(st.integers(0, 12), st.integers(1, 7), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_the_parts_are_disjoint_and_together_the_whole(threshold, shares, threads) -> None:
    """Each pair is in exactly one of n shares, however many threads search."""
    hashes = np.array(_planted(60, 2), dtype=np.uint64)
    parts = [near_pairs(hashes, threshold, (k, shares), threads) for k in range(shares)]
    joined = np.concatenate(parts, axis=1)
    joined = joined[:, np.lexsort(joined[1::-1])]
    np.testing.assert_array_equal(joined, near_pairs(hashes, threshold))


@given(
    st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 40), max_size=30),
    st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 40), max_size=30),
    st.integers(0, 16),
)
@settings(max_examples=100, deadline=None)
def test_cross_pairs_are_those_of_brute_force(left, right, threshold) -> None:
    """Every near pair of one of each side, none within a side."""
    arrays = (np.array(side, dtype=np.uint64) for side in (left, right))
    i, j, d = cross_pairs(*arrays, threshold)
    assert list(zip(i.tolist(), j.tolist(), d.tolist(), strict=True)) == [
        (a, b, (x ^ y).bit_count())
        for a, x in enumerate(left)
        for b, y in enumerate(right)
        if (x ^ y).bit_count() <= threshold
    ]


def test_cross_pairs_of_many_are_those_within_the_union() -> None:
    """2,000 against 16,000: the pairs of the union with one end on each side."""
    rng = np.random.default_rng(8)
    left = rng.integers(2**64, size=2_000, dtype=np.uint64)
    right = np.repeat(left, 8) ^ (np.uint64(1) << rng.integers(64, size=16_000, dtype=np.uint64))
    i, j, distance = near_pairs(np.concatenate([left, right]), 8)
    across = (i < 2_000) & (j >= 2_000)
    expected = [i[across], j[across] - 2_000, distance[across]]
    np.testing.assert_array_equal(cross_pairs(left, right, 8), expected)


@pytest.mark.parametrize("arguments", [(-1,), (17,), (4, (1, 1)), (4, (-1, 2)), (4, (0, 0))])
def test_arguments_out_of_range_are_refused(arguments) -> None:
    """Threshold 0 to 16, share 0 to n - 1."""
    with pytest.raises(ValueError, match="out of range"):
        near_pairs(np.zeros(3, dtype=np.uint64), *arguments)


def test_none_one_and_two_hashes() -> None:
    """The smallest inputs."""
    assert _found([], 4) == _found([7], 4) == []
    assert _found([7, 7], 0) == [(0, 1, 0)]
    assert _found([0, 2**64 - 1], 14) == []
    assert _found([0, 0b111], 3) == [(0, 1, 3)]


def test_many_repeats_give_every_pair_once() -> None:
    """300 equal hashes are 300 * 299 / 2 pairs."""
    assert len(_found([5] * 300, 4)) == 44_850


def test_repeats_cost_no_more_than_their_pairs() -> None:
    """1,600 equal hashes and 1,600 equal near ones: each pair once, with its distance."""
    hashes = np.repeat(np.array([0, 0b11], dtype=np.uint64), 1600)
    i, _, distance = near_pairs(hashes, 14)
    assert len(i) == 3200 * 3199 // 2
    assert np.bincount(distance).tolist() == [2 * (1600 * 1599 // 2), 0, 1600 * 1600]


def test_more_pairs_than_hashes_are_all_returned() -> None:
    """2,048 hashes that are all near to each other exceed the first buffer of the kernel."""
    hashes = np.arange(2048, dtype=np.uint64)
    assert len(near_pairs(hashes, 11)[0]) == 2048 * 2047 // 2
