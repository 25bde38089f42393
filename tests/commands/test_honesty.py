"""No number flatters: what was trained on is never called test, and stale results are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import fiftyone as fo
import pytest

import bccurate
from bccurate.errors import UsageError
from bccurate.workflows.artifacts import FINISHED, model_folder

QUICK = {"epochs": 1, "image_size": 64, "batch_size": 16}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """96 rendered cells, deduplicated, split, with variants, and a model of one epoch."""
    name = "honesty"
    folder = tmp_path_factory.mktemp("honesty") / "cells"
    bccurate.sample(folder, n=96, seed=3)
    bccurate.import_(folder, name)
    bccurate.dedupe(name)
    bccurate.outliers(name)
    bccurate.split(name, val=0.2, test=0.2)
    bccurate.augment("augmix", name, noise=0.0)
    bccurate.train("custom_cnn", name, **QUICK)
    yield name, folder
    fo.delete_dataset(name)


@pytest.fixture
def copy(trained):
    """A copy of the dataset that a test may spoil; files and weights are the original's."""
    name, _ = trained
    other = "honesty-copy"
    fo.load_dataset(name).clone(other, persistent=True)
    source, target = model_folder(name, "custom_cnn"), model_folder(other, "custom_cnn")
    shutil.copytree(source, target, dirs_exist_ok=True)
    yield other
    fo.delete_dataset(other)
    shutil.rmtree(target)


def _splits(name: str) -> dict[str, str]:
    dataset = fo.load_dataset(name).match_tags("variant", bool=False)
    pairs = zip(*dataset.values(["filepath", "tags"]), strict=True)
    return {path: next(iter({"train", "val", "test"} & set(tags)), "") for path, tags in pairs}


def test_a_new_split_keeps_the_old_one_unless_asked(copy):
    """Other options move nobody and say so; --redo does."""
    before = _splits(copy)
    record = bccurate.split(copy, val=0.2, test=0.2, seed=99)
    assert _splits(copy) == before and "--redo" in record.warnings[-1]
    bccurate.split(copy, val=0.2, test=0.2, seed=99, redo=True)
    assert _splits(copy) != before


def test_what_was_trained_on_is_left_out_of_the_test(copy):
    """After a redrawn split the metrics hold only what the model never saw, and say how many."""
    seen = {p for p, split in _splits(copy).items() if split == "train"}
    bccurate.split(copy, val=0.2, test=0.2, seed=99, redo=True)
    record = bccurate.evaluate("custom_cnn", copy)
    test = fo.load_dataset(copy).load_saved_view("test").values("filepath")
    assert set(test) & seen, "the redrawn split must overlap for this to tell anything"
    assert record.metrics["test"]["n"] == len(set(test) - seen)
    assert any("were trained on" in warning for warning in record.warnings)


def test_an_imported_split_is_kept(tmp_path):
    """train/ and test/ folders: only what has no split is placed."""
    bccurate.sample(tmp_path / "a", n=48, seed=5)
    files = sorted((tmp_path / "a" / "images").rglob("*.png"))
    for number, file in enumerate(files):
        part = "test" if number % 2 else "train"
        target = tmp_path / "b" / part / file.parent.name / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    try:
        bccurate.import_(tmp_path / "b", "given-split")
        bccurate.dedupe("given-split")
        before = _splits("given-split")
        bccurate.split("given-split")
        readable = fo.load_dataset("given-split").match_tags("unreadable", bool=False)
        after = _splits("given-split")
        moved = [p for p in readable.values("filepath") if after[p] != before[p]]
        groups = {p for g in bccurate.dedupe("given-split").groups for p in g["members"]}
        assert set(moved) <= groups  # a parted duplicate follows its group, nobody else moves
    finally:
        fo.delete_dataset("given-split")


def test_copies_of_test_images_join_them_even_without_a_new_dedupe(copy, tmp_path):
    """Exact copies that come later go where their pixels are, and dedupe is asked for."""
    (tmp_path / "basophil").mkdir()
    dataset = fo.load_dataset(copy)
    originals = dataset.load_saved_view("test").values("filepath")[:5]
    for number, path in enumerate(originals):
        shutil.copyfile(path, tmp_path / "basophil" / f"copy{number}.png")
    bccurate.import_(tmp_path, copy)
    record = bccurate.split(copy, val=0.2, test=0.2)
    assert any("dedupe has not seen all samples" in warning for warning in record.warnings)
    splits = _splits(copy)
    assert [splits[p] for p in splits if "copy" in Path(p).name] == ["test"] * 5


def test_variants_train_only_while_their_source_does(copy):
    """A source moved to test by hand takes its variants out of training, and its label rules."""
    from bccurate.hub.open import opened
    from bccurate.workflows.training_data import training_samples

    dataset = fo.load_dataset(copy)
    sources = dataset.load_saved_view("train")[:4]
    moved = sources.values("id")
    relabelled = dataset.load_saved_view("train").skip(4).first()
    sources.untag_samples("train")
    dataset.select(moved).tag_samples("test")
    relabelled.ground_truth.label = "platelet"
    relabelled.save()
    with opened(copy) as hub:
        found = training_samples(hub, ["clean", "augmix"])
    variants = dict(zip(*dataset.match_tags("variant").values(["filepath", "source_id"]),
                        strict=True))  # fmt: skip
    used = dict(zip(found.paths, found.labels, strict=True))
    assert not {path for path, source in variants.items() if source in moved} & set(used)
    own = [path for path, source in variants.items() if source == relabelled.id]
    assert own and all(used[path] == "platelet" for path in own)


def test_predictions_of_other_weights_are_refused(copy):
    """Weights that changed under stored predictions: evaluate and mistakes say what to type."""
    weights = model_folder(copy, "custom_cnn") / "model.safetensors"
    bccurate.train("custom_cnn", copy, **(QUICK | {"seed": 8}))
    fo.load_dataset(copy).delete_run("predict_custom_cnn")  # as a kill while predicting leaves it
    assert weights.exists()
    for command in (bccurate.evaluate, bccurate.mistakes):
        with pytest.raises(UsageError, match="bccurate predict custom_cnn"):
            command("custom_cnn", copy)
    bccurate.predict("custom_cnn", copy)
    assert bccurate.evaluate("custom_cnn", copy).metrics


def test_training_that_was_finished_is_not_done_again(copy, monkeypatch):
    """Killed while predicting: the same command predicts, and trains no second time."""
    dataset = fo.load_dataset(copy)
    dataset.delete_run("train_custom_cnn")
    dataset.delete_run("predict_custom_cnn")
    finished = model_folder(copy, "custom_cnn") / FINISHED
    before = json.loads(finished.read_text())
    record = bccurate.train("custom_cnn", copy, **QUICK)
    assert record.changed and json.loads(finished.read_text()) == before
    assert record.history == before["history"]
    again = bccurate.train("custom_cnn", copy, **(QUICK | {"seed": 9}))
    assert json.loads(finished.read_text()) != before and again.settings["seed"] == 9


def test_maps_of_another_target_never_mix(copy, monkeypatch):
    """A kill between two targets leaves nobody's maps; the next command makes all anew."""
    import bccurate.commands.explain as explain

    bccurate.explain("custom_cnn", copy, view="test")
    real = explain.write_heatmaps
    monkeypatch.setattr(explain, "CHUNK", 4)
    calls = []

    def dies(*arguments):
        calls.append(1)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(explain, "write_heatmaps", dies)
    with pytest.raises(KeyboardInterrupt):
        bccurate.explain("custom_cnn", copy, target="true", view="test")
    monkeypatch.setattr(explain, "write_heatmaps", real)
    record = bccurate.explain("custom_cnn", copy, view="test")
    fresh = {s.id: s.gradcam_custom_cnn.map for s in fo.load_dataset(copy).load_saved_view("test")}
    fo.load_dataset(copy).delete_sample_field("gradcam_custom_cnn")
    bccurate.undo("explain_custom_cnn", copy)
    bccurate.explain("custom_cnn", copy, view="test")
    assert record.changed
    for sample in fo.load_dataset(copy).load_saved_view("test"):
        assert (sample.gradcam_custom_cnn.map == fresh[sample.id]).all()


def test_a_killed_augment_can_be_undone(copy, monkeypatch):
    """What the first half wrote has a run to take it back."""
    import bccurate.commands.augment as augment

    def dies(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(augment, "add_samples", dies)
    with pytest.raises(KeyboardInterrupt):
        bccurate.augment("randaugment", copy, noise=0.1)
    with pytest.raises(UsageError, match="undo augment_randaugment"):
        bccurate.augment("randaugment", copy, noise=0.3)
    bccurate.undo("augment_randaugment", copy)


def test_a_csv_whose_files_are_all_gone_is_refused(tmp_path, name):
    """A wrong root folder is an error, not a dataset of unreadable samples."""
    from bccurate.errors import InputError

    (tmp_path / "labels.csv").write_text("filepath,label\nx/a.png,ig\nx/b.png,ig\n")
    with pytest.raises(InputError, match="None of the files"):
        bccurate.import_(tmp_path / "labels.csv", name)
