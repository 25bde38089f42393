"""Splits made elsewhere: what crosses them is found, tagged, and fails a script that asks."""

from __future__ import annotations

import fiftyone as fo
import pytest

import bccurate
from bccurate.curation.leakage import crossing_groups
from bccurate.errors import UsageError


def test_crossing_groups_by_hand():
    """Group 1 crosses, 2 stays, 3 has one member with a split, None is no group."""
    groups = [1, 1, 2, 2, 3, 3, None, None]
    splits = ["train", "test", "val", "val", "train", None, "train", "test"]
    assert crossing_groups(groups, splits) == [(1, [0, 1], ["test", "train"])]
    assert crossing_groups([], []) == []


def test_leaks_of_a_careless_split_are_found_and_an_honest_one_has_none(cli, rendered, name):
    """Tags by turns cross groups: exit 3; after undo and an honest split: exit 0."""
    bccurate.import_(rendered, name)
    with pytest.raises(UsageError, match="dedupe"):
        bccurate.leaks(name)
    groups = bccurate.dedupe(name).groups
    dataset = fo.load_dataset(name)
    ids = dataset.sort_by("duplicate_group").values("id")
    dataset.select(ids[::2]).tag_samples("train")
    dataset.select(ids[1::2]).tag_samples("test")
    outcome = cli("leaks", "-d", name, "--json", "--fail-on-found")
    assert outcome.code == 3 and "cross splits" in outcome.err
    found = {frozenset(row["members"]) for row in outcome.json["leaks"]}
    assert found and found <= {frozenset(group["members"]) for group in groups}
    assert dataset.match_tags("leak").count() == outcome.json["n"]
    assert not bccurate.leaks(name).changed
    bccurate.undo("leaks", name)
    dataset.untag_samples(["train", "test"])
    bccurate.split(name)
    outcome = cli("leaks", "-d", name, "--json", "--fail-on-found")
    assert outcome.code == 0 and outcome.json["leaks"] == []
