"""``--view``: a command looks at a saved view alone, and its tags tell of that look."""

from __future__ import annotations

import fiftyone as fo
import pytest

import bccurate
from bccurate.errors import UsageError


@pytest.fixture
def hub(rendered, name) -> fo.Dataset:
    """The rendered cells, with a view of the first half of them."""
    bccurate.import_(rendered, name)
    dataset = fo.load_dataset(name)
    dataset.save_view("half", dataset.limit(len(dataset) // 2))
    return dataset


def test_dedupe_of_a_view_forgets_the_groups_outside_it(hub, cli):
    """Groups are those of a dataset of the view alone; a look at all brings the others back."""
    whole = bccurate.dedupe(hub.name)
    half = set(hub.load_saved_view("half").values("filepath"))
    inside = {frozenset(half & set(group["members"])) for group in whole.groups}
    record = cli("dedupe", "-d", hub.name, "--view", "half", "--json").json
    assert record["view"] == "half" and "no sample outside it is tagged" in record["warnings"][0]
    found = {frozenset(group["members"]) for group in record["groups"]}
    assert found == {group for group in inside if len(group) > 1}
    hub.reload()
    assert set(hub.exists("duplicate_group").values("filepath")) == set().union(*found)
    assert set(hub.match_tags("duplicate").values("filepath")) <= half
    assert not bccurate.dedupe(hub.name, view="half").changed
    assert bccurate.dedupe(hub.name).groups == whole.groups


def test_outliers_of_a_view_have_the_bounds_of_its_classes(hub):
    """A class that is not in the view has no bounds, and its samples lose their scores."""
    bccurate.outliers(hub.name)
    label = hub.first().ground_truth.label
    hub.save_view("one class", hub.match(fo.ViewField("ground_truth.label") == label))
    record = bccurate.outliers(hub.name, view="one class")
    assert set(record.per_class) == {label}
    hub.reload()
    assert hub.exists("outlier_score").distinct("ground_truth.label") == [label]
    assert set(hub.match_tags("outlier").values("filepath")) == {
        row["filepath"] for row in record.outliers
    }
    assert not bccurate.outliers(hub.name, view="one class").changed


def test_leaks_and_masks_of_a_view(hub):
    """Leaks are those between samples of the view; masks stay where they are and are added to."""
    bccurate.dedupe(hub.name)
    ids = hub.exists("duplicate_group").sort_by("duplicate_group").values("id")
    hub.select(ids[::2]).tag_samples("train")
    hub.select(ids[1::2]).tag_samples("test")
    half = set(hub.load_saved_view("half").values("filepath"))
    record = bccurate.leaks(hub.name, view="half")
    assert {path for row in record.leaks for path in row["members"]} <= half
    assert record.n < bccurate.leaks(hub.name).n

    first = bccurate.background(hub.name, "threshold", view="half")
    readable = hub.match_tags(["unreadable", "variant"], bool=False)
    assert first.n == len([path for path in readable.values("filepath") if path in half])
    assert not first.warnings
    assert not bccurate.background(hub.name, "threshold", view="half").changed
    assert bccurate.background(hub.name, "threshold").n == len(readable)


def test_a_view_that_changes_at_every_look_is_looked_at_once(hub):
    """Samples taken at random: what is tagged is what the record names."""
    hub.save_view("some", hub.take(60))
    record = bccurate.dedupe(hub.name, view="some")
    hub.reload()
    members = {path for group in record.groups for path in group["members"]}
    assert record.counts["samples"] <= 60
    assert set(hub.exists("duplicate_group").values("filepath")) == members


def test_an_unknown_view_is_told_with_the_nearest(hub):
    """Nothing is written."""
    for command in (bccurate.dedupe, bccurate.outliers, bccurate.background):
        with pytest.raises(UsageError, match="half"):
            command(hub.name, view="halv")
    assert hub.list_runs() == ["import"]
