"""Honest splits: shares per class, groups never cross splits, in any order of samples."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bccurate.curation.splits import assign_folds, assign_splits
from bccurate.duplicates.components import join_groups

SHARES = {"train": 0.7, "val": 0.15, "test": 0.15}

datasets = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 15)), min_size=1, max_size=60
)  # (label, group)


def _split(rows, seed=51, fractions=SHARES, fixed=None, order=None) -> list[str]:
    order = list(range(len(rows))) if order is None else order
    chosen = assign_splits(
        [rows[i][0] for i in order],
        [rows[i][1] for i in order],
        [f"/{i}.png" for i in order],
        fractions,
        seed,
        fixed=[fixed[i] for i in order] if fixed else None,
    )
    return [chosen[order.index(i)] for i in range(len(rows))]


@given(datasets, st.integers(0, 1000))
@settings(max_examples=1000, deadline=None)
def test_groups_are_never_parted(rows, seed: int) -> None:
    """1,000 random datasets: one split a group, a split for every sample."""
    splits = defaultdict(set)
    for (_, group), split in zip(rows, _split(rows, seed), strict=True):
        splits[group].add(split)
    assert all(len(found) == 1 and found <= set(SHARES) for found in splits.values())


@given(datasets, st.integers(2, 10), st.integers(0, 1000), st.randoms(use_true_random=False))
@settings(max_examples=1000, deadline=None)
def test_folds_part_no_group_and_do_not_hang_on_the_order(rows, folds: int, seed: int, rng) -> None:
    """1,000 random datasets: one fold a group, and the same in any order."""
    order = list(range(len(rows)))
    rng.shuffle(order)
    plain, mixed = (
        assign_folds(
            [rows[i][0] for i in own],
            [rows[i][1] for i in own],
            [f"/{i}.png" for i in own],
            folds,
            seed,
        )
        for own in (range(len(rows)), order)
    )
    assert [plain[i] for i in order] == mixed
    of_group = defaultdict(set)
    for (_, group), fold in zip(rows, plain, strict=True):
        of_group[group].add(fold)
    assert all(len(found) == 1 and found <= set(range(folds)) for found in of_group.values())


@pytest.mark.parametrize("folds", [2, 5, 7])
def test_folds_of_single_images_are_equal_in_every_class(folds: int) -> None:
    """103, 20 and 3 images: no two folds differ by more than one, in a class and in all."""
    labels = ["a"] * 103 + ["b"] * 20 + ["c"] * 3
    keys = [str(i) for i in range(len(labels))]
    found = assign_folds(labels, keys, keys, folds)
    for part in [*"abc", "abc"]:
        counts = Counter(fold for fold, x in zip(found, labels, strict=True) if x in part)
        sizes = [counts[fold] for fold in range(folds)]
        assert max(sizes) - min(sizes) <= 1, (part, sizes)


def test_folds_that_are_there_stay() -> None:
    """New images join the folds; the old ones keep theirs, and their groups follow."""
    labels, keys = ["a"] * 40, [f"{i:02d}" for i in range(40)]
    groups = [i // 2 for i in range(40)]
    old = assign_folds(labels[:31], groups[:31], keys[:31], 4)
    found = assign_folds(labels, groups, keys, 4, fixed=[*old, *[None] * 9])
    assert found[:31] == old and found[31] == old[30]


@pytest.mark.parametrize("kind", ["mixed groups", "pure groups", "a few huge groups"])
def test_folds_are_balanced_as_well_as_scikit_learns(kind: str) -> None:
    """20 random sets of 600: the worst share of a class in a fold is nowhere further off."""
    from sklearn.model_selection import StratifiedGroupKFold

    k, n, shares = 5, 600, [0.4, 0.3, 0.15, 0.1, 0.05]
    for seed in range(20):
        rng = np.random.default_rng(seed)
        groups = rng.integers(0, 150, n)
        if kind == "a few huge groups":
            groups = (rng.pareto(1.0, n) * 10).astype(int)
        labels = rng.choice(5, n, p=shares)
        if kind == "pure groups":
            labels = rng.choice(5, 150, p=shares)[groups]
        keys = [str(i) for i in range(n)]
        ours = assign_folds([str(x) for x in labels], groups.tolist(), keys, k, seed)
        theirs = np.empty(n, dtype=int)
        splitter = StratifiedGroupKFold(k, shuffle=True, random_state=seed)
        for fold, (_, held) in enumerate(splitter.split(keys, labels, groups)):
            theirs[held] = fold
        off = [
            max(
                abs(np.mean(own[labels == label] == fold) - 1 / k)
                for label in np.unique(labels)
                for fold in range(k)
            )
            for own in (np.array(ours), theirs)
        ]
        assert off[0] <= off[1] + 1e-9, (seed, off)


@given(datasets, st.data())
@settings(max_examples=150, deadline=None)
def test_the_order_given_changes_nothing(rows, data) -> None:
    """The outcome hangs on the keys: any permutation gives every sample the same split."""
    order = data.draw(st.permutations(range(len(rows))))
    fixed = data.draw(
        st.lists(st.sampled_from([None, "train", "test"]), min_size=len(rows), max_size=len(rows))
    )
    assert _split(rows, order=order) == _split(rows)
    assert _split(rows, order=order, fixed=fixed) == _split(rows, fixed=fixed)


@given(
    st.dictionaries(st.sampled_from("abcde"), st.integers(1, 120), min_size=1), st.integers(0, 9)
)
@settings(max_examples=100, deadline=None)
def test_single_images_fill_every_class_to_its_share(sizes: dict[str, int], seed: int) -> None:
    """round(n share) in val and in test, the rest in train, exactly, in every class."""
    labels = [label for label, n in sizes.items() for _ in range(n)]
    rows = [(label, number) for number, label in enumerate(labels)]
    counts = Counter(zip(labels, _split(rows, seed), strict=True))
    for label, n in sizes.items():
        share = min(n, round(n * 0.15))
        assert counts[label, "val"] == share
        assert counts[label, "test"] == min(n - share, share)


def test_shares_by_hand() -> None:
    """100 of a, 20 of b, 1 of c: 70/15/15, 14/3/3 and 1/0/0."""
    labels = ["a"] * 100 + ["b"] * 20 + ["c"]
    counts = Counter(zip(labels, _split([(x, i) for i, x in enumerate(labels)]), strict=True))
    assert [[counts[x, s] for s in SHARES] for x in "abc"] == [[70, 15, 15], [14, 3, 3], [1, 0, 0]]


def test_a_large_group_goes_where_it_fits_and_the_rest_makes_up_for_it() -> None:
    """10 copies among 100 of a class: val and test still have 15 each."""
    rows = [("a", 0)] * 10 + [("a", number) for number in range(1, 91)]
    assert Counter(_split(rows)) == {"train": 70, "val": 15, "test": 15}


def test_splits_that_are_there_stay_and_groups_follow_their_fixed_member() -> None:
    """Old test images stay test; a new copy of one joins it there."""
    rows = [("a", i // 2) for i in range(60)]
    fixed: list[str | None] = [None] * 60
    fixed[10], fixed[20] = "test", "val"
    chosen = _split(rows, fixed=fixed)
    assert chosen[10] == chosen[11] == "test"
    assert chosen[20] == chosen[21] == "val"
    assert _split(rows, seed=7, fixed=chosen) == chosen
    assert Counter(chosen) == pytest.approx({"train": 42, "val": 9, "test": 9}, abs=1)


def test_a_fixed_split_of_another_name_is_placed_anew() -> None:
    """A split that is no longer asked for does not come back."""
    rows = [("a", i) for i in range(10)]
    assert set(_split(rows, fractions={"train": 1.0}, fixed=["val"] * 10)) == {"train"}


def test_seeds_differ_and_repeat() -> None:
    """The same seed gives the same split, another one another."""
    rows = [("a", i) for i in range(200)]
    assert _split(rows, 1) == _split(rows, 1) != _split(rows, 2)


def test_no_samples() -> None:
    """Nothing in, nothing out."""
    assert assign_splits([], [], [], SHARES) == []
    assert assign_folds([], [], [], 3) == []


def test_groups_join_across_duplicates_and_values() -> None:
    """1-2 by duplicates, 2-3 and 5-6 by patient, 4 alone: three groups; None joins nothing."""
    groups = join_groups([7, 7, None, None, None, None], ["p", "q", "q", None, "r", "r"])
    assert groups[0] == groups[1] == groups[2]
    assert groups[4] == groups[5]
    assert len(set(groups)) == 3
    assert len(set(join_groups([None] * 6))) == 6


@given(
    st.lists(st.tuples(st.none() | st.integers(0, 6), st.none() | st.integers(0, 6)), max_size=30)
)
def test_joined_groups_are_the_connected_components(pairs) -> None:
    """Compared with a flood fill over all pairs that share a value."""
    names = join_groups([one for one, _ in pairs], [two for _, two in pairs])
    for start in range(len(pairs)):
        reached, todo = {start}, [start]
        while todo:
            here = pairs[todo.pop()]
            for other, values in enumerate(pairs):
                shared = any(a is not None and a == b for a, b in zip(here, values, strict=True))
                if shared and other not in reached:
                    reached.add(other)
                    todo.append(other)
        assert {i for i, name in enumerate(names) if name == names[start]} == reached
