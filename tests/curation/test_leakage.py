"""Duplicates that cross splits, and what they are called."""

from __future__ import annotations

from bccurate.curation.leakage import crossing_duplicates, crossing_groups


def test_crossing_groups_by_hand() -> None:
    """Group 1 crosses, 2 stays, 3 has one member with a split, None is no group."""
    groups = [1, 1, 2, 2, 3, 3, None, None]
    splits = ["train", "test", "val", "val", "train", None, "train", "test"]
    assert crossing_groups(groups, splits) == [(1, [0, 1], ["test", "train"])]
    assert crossing_groups([], []) == []


def test_a_crossing_goes_by_the_closest_kind_of_duplicate_that_holds_it() -> None:
    """A group; a chain cut into two groups; equal pixels that came later; a chain to one such."""
    columns = {
        "duplicate_group": [1, 1, 2, 2, 3, 3, None, None, 4, 4, None],
        "linked_group": [1, 1, 2, 2, 2, 2, None, None, 3, 3, None],
        "pixelhash": ["a", "b", "c", "d", "e", "f", "g", "g", "h", "i", "i"],
    }
    one, two = "train", "test"
    splits = [one, two, one, one, two, two, one, two, one, one, two]
    assert crossing_duplicates(columns, splits) == [
        ("linked_group", (2, [2, 3, 4, 5], [two, one])),
        ("pixelhash", ("h", [8, 9, 10], [two, one])),
        ("duplicate_group", (1, [0, 1], [two, one])),
        ("pixelhash", ("g", [6, 7], [two, one])),
    ]
