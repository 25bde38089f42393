"""Folds for cross-validation: a field beside the splits, whole groups, kept up, taken back."""

from __future__ import annotations

from collections import Counter

import fiftyone as fo
import pytest

import bccurate
from bccurate.errors import UsageError


@pytest.fixture
def dataset(rendered, name):
    """160 rendered cells without their duplicates looked for: 156 readable ones."""
    bccurate.import_(rendered, name)
    return fo.load_dataset(name)


def _folds(dataset) -> dict[str, int | None]:
    dataset.reload()
    return dict(zip(*dataset.values(["filepath", "fold"]), strict=True))


def test_folds_number_train_and_val_and_leave_the_test_split_apart(cli, dataset):
    """Every labelled readable sample outside test has one of 0 to 4; the record counts them."""
    record = cli("split", "-d", dataset.name, "--folds", 5, "--json").json
    folds = _folds(dataset)
    readable = dataset.match_tags("unreadable", bool=False)
    for path, tags in zip(*readable.values(["filepath", "tags"]), strict=True):
        assert folds[path] in (range(5) if "test" not in tags else [None])
    counts = Counter(fold for fold in folds.values() if fold is not None)
    assert {int(k): sum(v.values()) for k, v in record["folds"].items()} == counts
    assert max(counts.values()) - min(counts.values()) <= 3
    view = dataset.load_saved_view("folds").values("fold")
    assert view == sorted(view) and set(view) == set(range(5))
    again = cli("split", "-d", dataset.name, "--folds", 5)
    assert "Already up to date" in again.out and "fold 4" in again.out
    assert _folds(dataset) == folds


def test_without_a_test_split_all_have_a_fold_and_no_duplicate_is_parted(dataset):
    """``--test 0``; each linked group has one fold."""
    bccurate.dedupe(dataset.name)
    bccurate.split(dataset.name, test=0, folds=4)
    readable = dataset.match_tags("unreadable", bool=False)
    by_group: dict[int, set[int]] = {}
    for group, fold in zip(*readable.values(["linked_group", "fold"]), strict=True):
        assert fold in range(4)
        if group is not None:
            by_group.setdefault(group, set()).add(fold)
    assert by_group and all(len(found) == 1 for found in by_group.values())


def test_later_calls_keep_the_folds_and_place_what_is_new(dataset, tmp_path):
    """A plain split after an import fills the folds up; another number draws anew; undo ends it."""
    bccurate.split(dataset.name, folds=3)
    before = {path: fold for path, fold in _folds(dataset).items() if fold is not None}
    bccurate.sample(tmp_path / "more", n=24, seed=99)
    bccurate.import_(tmp_path / "more", dataset.name)
    assert list(bccurate.split(dataset.name).folds) == ["0", "1", "2"]
    after = _folds(dataset)
    assert all(after[path] == fold for path, fold in before.items())
    assert sum(fold is not None for fold in after.values()) > len(before)
    bccurate.split(dataset.name, folds=2)
    assert set(_folds(dataset).values()) == {0, 1, None}
    bccurate.undo("split", dataset.name)
    dataset.reload()
    assert dataset.get_field("fold") is None and "folds" not in dataset.list_saved_views()
    assert bccurate.split(dataset.name).folds == {}


@pytest.mark.parametrize("folds", [-1, 0, 1, 101])
def test_an_impossible_number_of_folds_is_refused(dataset, folds):
    """2 to 100; the field is not made."""
    with pytest.raises(UsageError, match="--folds is 2 to 100"):
        bccurate.split(dataset.name, folds=folds)
    assert dataset.get_field("fold") is None
