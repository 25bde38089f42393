"""``mistakes --folds``: every label is judged by a model that has not seen it."""

from __future__ import annotations

import json
from pathlib import Path

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
import pytest
from tiny_zoo import ROW, TINY

import bccurate
from bccurate.errors import UsageError
from bccurate.workflows.artifacts import read_finished
from bccurate.workflows.out_of_fold import folds_folder
from bccurate.workflows.stacking_features import fold_folder, read_folds

QUICK = {"epochs": 2, "batch_size": 32, "lr": 0.01, "device": "cpu"}
NAME, MODEL, FIELD = "judged", "small", "out_of_fold_small"


@pytest.fixture(scope="module")
def zoo(tmp_path_factory) -> Path:
    """One tiny model."""
    folder = tmp_path_factory.mktemp("one") / "zoo"
    folder.mkdir()
    row = {"base_name": "mine/small", "bccurate": {**ROW, "name": MODEL, "module": MODEL}}
    (folder / "manifest.json").write_text(json.dumps({"name": "mine", "models": [row]}))
    (folder / f"{MODEL}.py").write_text(TINY)
    return folder


@pytest.fixture(scope="module")
def judged(rendered, zoo):
    """Rendered cells, deduplicated and split, a model, and what it says in and out of fold."""
    bccurate.import_(rendered, NAME)
    bccurate.dedupe(NAME)
    bccurate.split(NAME, val=0.2, test=0.2)
    bccurate.train(MODEL, NAME, zoo=zoo, **QUICK)
    own = bccurate.mistakes(MODEL, NAME, zoo)
    yield own, bccurate.mistakes(MODEL, NAME, zoo, folds=3)
    fo.delete_dataset(NAME)


def test_no_label_is_judged_by_a_model_that_saw_the_image_or_a_duplicate(judged):
    """The fold's model was trained on neither it nor what is linked to it."""
    folder = folds_folder(NAME, MODEL)
    folds = read_folds(folder)
    seen = [set(read_finished(fold_folder(folder, MODEL, k))["seen"]) for k in range(3)]
    rows = list(zip(*fo.load_dataset(NAME).values(["pixelhash", "linked_group"]), strict=True))
    training = [row for row in rows if row[0] in folds.fold_of]
    assert len(training) > 60 and all(seen)
    for pixels, group in training:
        kin = {p for p, g in rows if p == pixels or (group is not None and g == group)}
        assert not kin & seen[folds.fold_of[pixels]]


def test_the_record_says_what_it_used(judged):
    """Own predictions: how many were seen in training; out of fold: how many models judged."""
    own, record = judged
    assert own.folds is None and 60 < own.seen < own.n and f"saw {own.seen:,}" in str(own)
    assert record.folds == 3 and record.seen == 0 and "3 folds" in str(record)
    dataset = fo.load_dataset(NAME)
    labels, said = dataset.exists(FIELD).values(["ground_truth.label", f"{FIELD}.label"])
    wrong = sum(a != b for a, b in zip(labels, said, strict=True) if a is not None)
    view = dataset.load_saved_view(f"mistakes_{MODEL}")
    assert len(record.samples) == len(view) == wrong > 0
    assert record.likely_wrong >= sum(row["likely_wrong"] for row in record.samples) > 0


def test_later_calls_take_the_folds_that_are_there(judged, zoo, cli):
    """With and without --folds: nothing is trained or written again."""
    _, record = judged
    again = bccurate.mistakes(MODEL, NAME, zoo)
    assert not again.changed and again.samples == record.samples and again.folds == 3
    outcome = cli("mistakes", MODEL, "-d", NAME, "--zoo", zoo, "--folds", 3, "--json")
    assert outcome.json["changed"] is False and outcome.json["samples"] == record.samples


def test_brain_is_fiftyones_mistakenness(judged, zoo):
    """The numbers that its Brain writes for the same predictions and labels."""
    dataset = fo.load_dataset(NAME)
    view = dataset.exists(FIELD).exists("ground_truth")
    fob.compute_mistakenness(view, FIELD, label_field="ground_truth", use_logits=True,
                             mistakenness_field="brain", progress=False)  # fmt: skip
    bccurate.mistakes(MODEL, NAME, zoo, method="brain")
    ours, theirs = view.values(["mistakenness", "brain"])
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_a_model_trained_anew_is_not_judged_by_old_folds(judged, zoo):
    """Other settings: its own predictions, until --folds trains those too; undo takes all back."""
    bccurate.train(MODEL, NAME, zoo=zoo, **(QUICK | {"epochs": 1}))
    assert bccurate.mistakes(MODEL, NAME, zoo).folds is None
    assert bccurate.mistakes(MODEL, NAME, zoo, folds=2).folds == 2
    bccurate.undo(f"mistakes_{MODEL}", NAME)
    assert fo.load_dataset(NAME).get_field(FIELD) is None
    assert not folds_folder(NAME, MODEL).exists()


def test_what_cannot_be_judged(judged, zoo):
    """One fold, an unknown method, a model that was not trained: words that help."""
    with pytest.raises(UsageError, match="at least 2"):
        bccurate.mistakes(MODEL, NAME, zoo, folds=1)
    with pytest.raises(UsageError, match="margin"):
        bccurate.mistakes(MODEL, NAME, zoo, method="margins")
    with pytest.raises(UsageError, match="not trained"):
        bccurate.mistakes("custom_cnn", NAME, folds=2)
