"""Bulk reads and writes: only what differs, and the number of it."""

from __future__ import annotations

import pytest

from bccurate.errors import InputError, UsageError
from bccurate.hub import runs, views
from bccurate.hub.open import opened, repair_counts
from bccurate.hub.read import columns, has_field, require_field, require_samples
from bccurate.hub.write import add_samples, set_column, set_tag
from bccurate.records import SplitRecord


@pytest.fixture
def dataset(name: str):
    """Ten samples of files that need not be there."""
    import fiftyone as fo

    with opened(name, create=True) as dataset:
        assert dataset.persistent
        add_samples(dataset, (fo.Sample(filepath=f"/none/{i}.png") for i in range(10)))
        yield dataset


def test_a_column_is_written_where_it_differs_only(dataset) -> None:
    """10, then none, then the 2 that changed; the field has the type of its values."""
    ids = dataset.values("id")
    assert set_column(dataset, "score", ids, [i / 2 for i in range(10)]) == 10
    assert set_column(dataset, "score", ids, [i / 2 for i in range(10)]) == 0
    assert set_column(dataset, "score", ids, [9.0, 8.0, *(i / 2 for i in range(2, 10))]) == 2
    assert dataset.values("score") == [9.0, 8.0, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5]
    assert type(dataset.get_field("score")).__name__ == "FloatField"
    assert set_column(dataset.limit(2), "score", ids[:2], [None, 8.0]) == 1
    assert dataset.values("score")[:3] == [None, 8.0, 1.0]
    assert set_column(dataset, "text", ids, [None] * 10) == 0
    assert not has_field(dataset, "text")


def test_a_tag_is_on_exactly_the_samples_named(dataset) -> None:
    """The count is of those that gained or lost it; other tags stay; a view is the border."""
    ids = dataset.values("id")
    assert set_tag(dataset, "train", ids[:4]) == 4
    assert set_tag(dataset, "other", ids[:1]) == 1
    assert set_tag(dataset, "train", ids[2:6]) == 4
    assert set_tag(dataset, "train", ids[2:6]) == 0
    assert dataset.match_tags("train").values("id") == ids[2:6]
    assert dataset.match_tags("other").values("id") == ids[:1]
    assert set_tag(dataset.select(ids[2:4]), "train", []) == 2
    assert dataset.match_tags("train").values("id") == ids[4:6]


def test_columns_that_are_not_there_are_none(dataset) -> None:
    """As many Nones as samples, for a field and for a path into a document."""
    paths, none, nested = columns(dataset, "filepath", "nothing", "ground_truth.label")
    assert len(paths) == 10 and none == nested == [None] * 10
    assert columns(dataset.limit(3), "nothing") == [[None] * 3]


def test_what_is_needed_and_missing_is_told_with_the_command_that_makes_it(dataset) -> None:
    """A field is a usage error, an empty view an input error."""
    with pytest.raises(UsageError, match="has no field 'x' yet") as field:
        require_field(dataset, "x", "bccurate x")
    with pytest.raises(InputError, match="There are no cats") as empty:
        require_samples(dataset.limit(0), "cats", "bccurate import")
    assert (field.value.hint, empty.value.hint) == ("bccurate x", "bccurate import")


def test_saving_a_view_twice_changes_nothing(dataset) -> None:
    """Only another view under the name is a write."""
    assert views.save(dataset, "clean", views.clean(dataset))
    before = dataset._doc.saved_views[0].last_modified_at
    assert not views.save(dataset, "clean", views.clean(dataset))
    assert dataset._doc.saved_views[0].last_modified_at == before
    assert views.save(dataset, "clean", views.deduplicated(dataset))
    assert dataset.list_saved_views() == ["clean"]


def test_views_follow_the_tags(dataset) -> None:
    """10 samples: one each unreadable, variant, dropped, and of each tag of curation."""
    ids = dataset.values("id")
    for i, tag in enumerate((*views.NOT_CLEAN, views.VARIANT)):
        set_tag(dataset, tag, [ids[i]])
    assert [len(view(dataset)) for view in (views.originals, views.clean, views.deduplicated)] == [
        8,
        3,
        6,
    ]
    views.save(dataset, "clean", views.clean(dataset))
    assert len(views.chosen(dataset, "clean")) == 3
    set_tag(dataset, "outlier", [])
    assert len(views.chosen(dataset, "clean")) == 4
    with pytest.raises(UsageError, match=r"no saved view 'claen'\. Did you mean clean\?"):
        views.chosen(dataset, "claen")


LABELS = ["a.b", "$c", 'say "x"', "ü 日本 🩸", "new\nline", "", "a'b\\c", "train.val$"]
RECORD = SplitRecord(
    "d", {"train": 1.0}, 51, {"train": {label: i for i, label in enumerate(LABELS)}}, 0
)


def test_a_run_comes_back_as_it_was_stored(dataset) -> None:
    """Labels with dots, dollars, quotes and signs of all kinds; options too."""
    options = {"views": ("a", "b"), "$lr": 0.1, "a.b": None, "n": 3}
    assert runs.load(dataset, "split") is None
    assert runs.stored_options(dataset, "split") is None
    assert runs.save(dataset, "split", RECORD, options)
    stored = runs.load(dataset, "split")
    assert SplitRecord.from_json(stored) == RECORD
    assert runs.stored_options(dataset, "split") == {**options, "views": ["a", "b"]}
    (row,) = runs.overview(dataset)
    assert (row["run"], row["command"]) == ("split", "split")


def test_storing_the_same_run_twice_writes_nothing(dataset) -> None:
    """``changed`` tells of a call, not of a run; other options are another run."""
    assert runs.save(dataset, "split", RECORD, {"views": ("a",)})
    ended = runs.overview(dataset)[0]["ended"]
    again = SplitRecord.from_json({**RECORD.to_json(), "changed": False})
    assert not runs.save(dataset, "split", again, {"views": ("a",)})
    assert runs.overview(dataset)[0]["ended"] == ended
    assert runs.save(dataset, "split", RECORD, {"views": ("b",)})
    assert len(runs.overview(dataset)) == 1


def test_runs_of_others_are_not_ours(dataset) -> None:
    """A run of somebody's own is neither listed nor in the way."""
    dataset.register_run("theirs", dataset.init_run(anything=1))
    assert runs.overview(dataset) == []


@pytest.mark.parametrize("bad", ["!!!", "日本"])
def test_a_name_that_fiftyone_cannot_take_is_a_usage_error(bad: str) -> None:
    """It needs a Latin letter or a digit; the message says which name."""
    with pytest.raises(UsageError, match=bad), opened(bad, create=True):
        pass


def test_a_name_that_reads_like_another_s_is_a_usage_error(name: str, dataset) -> None:
    """Two names with one address in the App cannot stand side by side."""
    other = name.replace("-", " ")
    with pytest.raises(UsageError, match="not available"), opened(other, create=True):
        pass
    with pytest.raises(UsageError, match="Did you mean t-"), opened(name + "s"):
        pass
    assert not repair_counts(dataset)
