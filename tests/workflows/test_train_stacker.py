"""The stacker learns from what models said of images that they had not seen."""

from __future__ import annotations

import json
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest
from tiny_zoo import ROW, TINY

import bccurate
from bccurate.errors import UsageError
from bccurate.workflows.artifacts import model_folder, read_finished
from bccurate.workflows.stacking_features import FOLDS, stacked_logits

QUICK = {"epochs": 2, "batch_size": 32, "lr": 0.01, "device": "cpu"}
NAMES = ("small", "wide", "tall")


@pytest.fixture(scope="module")
def zoo(tmp_path_factory) -> Path:
    """Three tiny models."""
    folder = tmp_path_factory.mktemp("three") / "zoo"
    folder.mkdir()
    rows = [{"base_name": f"mine/{n}", "bccurate": {**ROW, "name": n, "module": n}} for n in NAMES]
    (folder / "manifest.json").write_text(json.dumps({"name": "mine", "models": rows}))
    for name, width in zip(NAMES, (4, 8, 12), strict=True):
        code = TINY.replace("(3, 8,", f"(3, {width},").replace("d(8)", f"d({width})")
        (folder / f"{name}.py").write_text(code.replace("Linear(8,", f"Linear({width},"))
    return folder


@pytest.fixture(scope="module")
def stacked(rendered, zoo):
    """Rendered cells, deduplicated and split, three models and their stacker."""
    name = "stacked"
    bccurate.import_(rendered, name)
    bccurate.dedupe(name)
    bccurate.outliers(name)
    bccurate.split(name, val=0.2, test=0.2)
    bccurate.augment("randaugment", name, noise=0.0)
    for model in NAMES:
        bccurate.train(model, name, zoo=zoo, views=("clean", "randaugment"), **QUICK)
    record = bccurate.train("stacker", name, zoo=zoo, folds=3, epochs=5, device="cpu")
    yield name, record
    fo.delete_dataset(name)


def test_no_feature_comes_from_a_model_that_saw_the_image_or_a_duplicate(stacked):
    """For every training image: the fold's model saw neither it, nor its copies, nor variants."""
    name, _ = stacked
    folder = model_folder(name, "stacker")
    stored = json.loads((folder / FOLDS).read_text())
    dataset = fo.load_dataset(name).match_tags("variant", bool=False)
    rows = list(zip(*dataset.values(["pixelhash", "linked_group", "tags"]), strict=True))
    assert sorted(set(stored["fold_of"].values())) == [0, 1, 2]
    training = [row for row in rows if "train" in row[2] and row[0] in stored["fold_of"]]
    assert len(training) > 60 and any(group is not None for _, group, _ in training)
    for base in NAMES:
        seen = [set(read_finished(folder / "folds" / f"{base}_{k}")["seen"]) for k in range(3)]
        assert all(seen)
        for pixels, group, _ in training:
            kin = {p for p, g, _ in rows if p == pixels or (group is not None and g == group)}
            assert not kin & seen[stored["fold_of"][pixels]]


def test_features_are_the_held_out_models_own(stacked, zoo):
    """Of a training image the logits of one model; of a test image the mean of the three."""
    from bccurate.learning.checkpoint import load_model
    from bccurate.learning.data import load_pixels
    from bccurate.learning.predict import predict

    name, _ = stacked
    folder = model_folder(name, "stacker")
    fold_of = json.loads((folder / FOLDS).read_text())["fold_of"]
    view = fo.load_dataset(name).load_saved_view("clean")
    picked = [view.match_tags(tag).first() for tag in ("train", "test")]
    paths, contents = [s.filepath for s in picked], [s.pixelhash for s in picked]
    found = stacked_logits(folder, paths, contents, zoo, "cpu")
    assert found.shape == (2, 3, 8)
    order = json.loads((folder / FOLDS).read_text())["bases"]
    files = [folder / "folds" / f"{order[1]}_{k}" / "model.safetensors" for k in range(3)]
    each = [predict(load_model(f, zoo), load_pixels(paths, 32), device="cpu") for f in files]
    assert np.allclose(found[0, 1], each[fold_of[contents[0]]][0], atol=1e-5)
    assert np.allclose(found[1, 1], np.mean([logits[1] for logits in each], axis=0), atol=1e-5)


def test_stacker_predicts_like_any_model(stacked, zoo):
    """A label on every readable sample, metrics a split, and nothing new twice."""
    name, record = stacked
    assert sorted(record.settings["bases"]) == sorted(NAMES)
    assert set(record.metrics) == {"train", "val", "test"}
    view = fo.load_dataset(name).match_tags("unreadable", bool=False)
    assert None not in view.values("stacker.label")
    again = bccurate.train("stacker", name, zoo=zoo, folds=3, epochs=5, device="cpu")
    assert not again.changed and again.metrics == record.metrics


def test_the_stack_is_explained(stacked, zoo):
    """Maps of all three bases' evidence in the field, and the share on the cell where masks are."""
    name, _ = stacked
    record = bccurate.explain("stacker", name, view="test", zoo=zoo, device="cpu")
    view = fo.load_dataset(name).load_saved_view("test")
    maps = view.values("gradcam_stacker.map")
    assert record.n == len(maps) and all(m.shape == (32, 32) for m in maps)
    assert sum(m.max() == 255 for m in maps) > len(maps) / 2
    assert not bccurate.explain("stacker", name, view="test", zoo=zoo, device="cpu").changed
    with pytest.raises(UsageError, match="sum of its bases"):
        bccurate.explain("stacker", name, view="test", zoo=zoo, device="cpu", raw=True)


def test_too_few_bases(cli, name, rendered, stacked, zoo):
    """One base, or a dataset without trained models: exit 2 and what to type."""
    outcome = cli("train", "stacker", "-d", stacked[0], "--base", "small", "--zoo", zoo)
    assert outcome.code == 2 and "at least two" in outcome.err
    outcome = cli("train", "stacker", "-d", stacked[0], "--base", "small,resnet50", "--zoo", zoo)
    assert outcome.code == 2 and "bccurate train resnet50" in outcome.err
    bccurate.import_(rendered, name)
    bccurate.split(name)
    with pytest.raises(UsageError, match="best models by validation macro F1"):
        bccurate.train("stacker", name)


def test_the_stacker_is_measured_on_corrupted_images_too(stacked, zoo):
    """Its bases read the images: clean it is as right as its stored predictions are."""
    name, _ = stacked
    record = bccurate.evaluate("stacker", name, zoo, corruptions=True, severities=(5,))
    found = record.corruptions
    assert found["n"] == record.metrics["test"]["n"]
    assert found["accuracy"] == pytest.approx(record.metrics["test"]["accuracy"])
    assert len(found["corruptions"]) == 27
