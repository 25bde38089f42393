"""Variants: what they are, that they train only, what is measured of them, and that they go."""

from __future__ import annotations

import shutil
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest

import bccurate
from bccurate.augmentation.variants import describe
from bccurate.errors import UsageError
from bccurate.files import sha256
from bccurate.hub.predictions import field_of
from bccurate.images.decode import decode_rgb
from bccurate.workflows import fidelity
from bccurate.workflows.fidelity_reference import saw_clean_images_only


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """96 rendered cells, cleaned and split."""
    name, folder = "augment-tests", tmp_path_factory.mktemp("augment") / "cells"
    bccurate.sample(folder, n=96, seed=11)
    bccurate.import_(folder, name)
    bccurate.dedupe(name)
    bccurate.outliers(name)
    bccurate.split(name, val=0.2, test=0.2)
    yield name
    fo.delete_dataset(name)


@pytest.fixture
def undone(cells):
    """The same dataset; all variants are taken back when the test ends."""
    yield cells
    for run in fo.load_dataset(cells).list_runs():
        if run.startswith("augment_"):
            bccurate.undo(run, cells)


def variants_of(name: str, kind: str) -> fo.DatasetView:
    return fo.load_dataset(name).load_saved_view(kind)


@pytest.mark.parametrize("kind", ["augmix", "randaugment"])
def test_a_variant_tells_the_operations_that_were_drawn(undone, kind):
    """Kind, magnitude, noise, seed and copy, then the draws of its own seed.

    Name and seed are those of the first release: datasets of then find their files again.
    """
    bccurate.augment(kind, undone, noise=0.05, copies=2)
    dataset = fo.load_dataset(undone)
    for variant in variants_of(undone, kind):
        head, _, words = variant.augmentation.partition(": ")
        source = dataset[variant.source_id].filepath
        copy = int(head[-1])
        own = sha256(f"51:{kind}:0.05:{copy}:{source}".encode())
        usual = {"augmix": 3, "randaugment": 9}[kind]
        assert head == f"{kind} magnitude={usual} noise=0.05 seed=51 copy={copy}"
        assert Path(variant.filepath).name == f"{Path(source).stem}_{own[:12]}.png"
        seed = int(own[:14], 16)
        assert [words] == describe(kind, [seed], decode_rgb(source).shape[:2])
        assert decode_rgb(variant.filepath).shape == decode_rgb(source).shape


def test_fidelity_may_be_left_out_and_caught_up_on(undone, cli):
    """--no-fidelity measures nothing; the next call does; new variants outdate what is stored."""
    call = ("augment", "augmix", "-d", undone, "--noise", "0.05", "--json")
    bare = cli(*call, "--no-fidelity").json
    assert bare["fidelity"] is None and bare["written"] > 0
    assert not cli(*call, "--no-fidelity").json["changed"]
    measured = cli(*call).json
    assert measured["changed"] and measured["written"] == 0 and measured["fidelity"]["classes"]
    assert cli(*call, "--no-fidelity").json["fidelity"] == measured["fidelity"]
    assert cli(*call, "--no-fidelity", "--copies", "2").json["fidelity"] is None


def test_a_variant_is_no_duplicate_and_in_no_test(undone):
    """Not even where it equals its source, and not when the split is drawn anew."""
    bccurate.augment("randaugment", undone, noise=0.0, copies=3, magnitude=0)
    dataset = fo.load_dataset(undone)
    paths = set(variants_of(undone, "randaugment").values("filepath"))
    equal = [
        v.filepath
        for v in variants_of(undone, "randaugment")
        if (decode_rgb(v.filepath) == decode_rgb(dataset[v.source_id].filepath)).all()
    ]
    assert equal, "magnitude 0 must leave some pictures as they are for this to tell anything"
    groups = bccurate.dedupe(undone).groups
    assert not paths & {path for group in groups for path in group["members"]}
    bccurate.split(undone, val=0.3, test=0.3, seed=8, redo=True)
    assert bccurate.leaks(undone).leaks == []
    for split in ("val", "test"):
        assert not paths & set(dataset.match_tags(split).values("filepath"))
    training = set(dataset.load_saved_view("train").values("id"))
    still = variants_of(undone, "randaugment").match_tags("train").values("source_id")
    assert set(still) <= training
    bccurate.split(undone, val=0.2, test=0.2, redo=True)  # as the other tests know it


def test_undo_takes_samples_and_files(cells):
    """Both are gone, the originals are all there, and the other kind stays."""
    n = len(fo.load_dataset(cells))
    for kind in ("augmix", "randaugment"):
        bccurate.augment(kind, cells, noise=0.0)
    files = {
        kind: variants_of(cells, kind).values("filepath") for kind in ("augmix", "randaugment")
    }
    assert all(Path(path).exists() for paths in files.values() for path in paths)
    bccurate.undo("augment_augmix", cells)
    dataset = fo.load_dataset(cells)
    assert not any(Path(path).exists() for path in files["augmix"])
    assert len(dataset) == n + len(files["randaugment"])
    assert all(Path(path).exists() for path in files["randaugment"])
    bccurate.undo("augment_randaugment", cells)
    assert len(fo.load_dataset(cells)) == n


def test_fidelity_is_measured_once_and_again_when_there_is_a_model(undone, monkeypatch, cli):
    """A second call reads no image; with a model trained on clean images accuracy is measured.

    The accuracy is that of the model's predictions in the dataset.
    """
    first = bccurate.augment("augmix", undone, noise=0.05)
    assert first.fidelity["model"] is None
    assert all(row["accuracy"] is None for row in first.fidelity["classes"].values())
    with monkeypatch.context() as patch:
        patch.setattr(fidelity, "_measure", lambda *_: pytest.fail("measured again"))
        again = bccurate.augment("augmix", undone, noise=0.05)
    assert not again.changed and again.fidelity == first.fidelity
    bccurate.train("custom_cnn", undone, epochs=2, image_size=64, batch_size=16)
    shown = cli("augment", "augmix", "-d", undone, "--noise", "0.05", "--json").json
    assert shown["changed"] and shown["written"] == 0 and shown["fidelity"]["model"] == "custom_cnn"
    view, dataset = variants_of(undone, "augmix"), fo.load_dataset(undone)
    field = field_of("custom_cnn")
    for label, row in shown["fidelity"]["classes"].items():
        own = view.match({"ground_truth.label": label})
        hits = [guess == label for guess in own.values(f"{field}.label")]
        sources = dataset.select(own.values("source_id")).values(f"{field}.label")
        assert row["n"] == len(hits) and row["accuracy"] == pytest.approx(np.mean(hits))
        assert row["accuracy_sources"] == pytest.approx(np.mean([s == label for s in sources]))
    text = cli("augment", "augmix", "-d", undone, "--noise", "0.05").out
    assert "custom_cnn, which has seen no variant, names" in text


def test_a_model_that_saw_variants_is_no_reference(undone):
    """Trained on the view of the variants, or with more augmentation than rotations and flips."""
    base = {"image_size": 64, "augment": "dihedral", "views": []}
    assert saw_clean_images_only(base) and saw_clean_images_only(base | {"views": ["clean"]})
    assert not saw_clean_images_only(base | {"views": ["clean", "augmix"]})
    assert not saw_clean_images_only(base | {"augment": "paper"})
    assert not saw_clean_images_only(base | {"image_size": 0})


def test_noise_that_hides_the_cells_is_rejected_by_the_outlier_rule(undone):
    """Sigma as large as the range: most variants of every class are outliers."""
    strong = bccurate.augment("augmix", undone, noise=1.0, magnitude=0.1).fidelity
    bccurate.undo("augment_augmix", undone)
    weak = bccurate.augment("augmix", undone, noise=0.0, magnitude=0.1).fidelity

    def share(measured):
        rows = measured["classes"].values()
        return sum(row["n"] * row["rejected"] for row in rows) / sum(row["n"] for row in rows)

    assert share(strong) > 0.5 > share(weak)


def test_another_magnitude_is_another_set_of_variants(undone):
    """Refused beside the one that is there; the paper's own, said aloud, is the same as none."""
    bccurate.augment("randaugment", undone, noise=0.0)
    assert not bccurate.augment("randaugment", undone, noise=0.0, magnitude=9).changed
    with pytest.raises(UsageError, match="undo augment_randaugment"):
        bccurate.augment("randaugment", undone, noise=0.0, magnitude=3)
    with pytest.raises(UsageError, match=r"0\.1 to 10"):
        bccurate.augment("augmix", undone, magnitude=20)


def test_a_source_that_is_gone_loses_no_other_variant(undone, tmp_path):
    """The rest is written and measured; the next call writes the missing one."""
    dataset = fo.load_dataset(undone)
    path = dataset.load_saved_view("train").first().filepath
    n = len(dataset.load_saved_view("train"))
    shutil.move(path, tmp_path / "away.png")
    try:
        record = bccurate.augment("augmix", undone, noise=0.0)
        assert record.written == n - 1 and "1 source " in record.warnings[0]
        assert sum(row["n"] for row in record.fidelity["classes"].values()) == n - 1
    finally:
        shutil.move(tmp_path / "away.png", path)
    assert bccurate.augment("augmix", undone, noise=0.0).written == 1


def test_the_report_shows_sources_beside_variants(undone, tmp_path):
    """A table a kind, warnings, and each source's own variants."""
    record = bccurate.augment("randaugment", undone, noise=0.2, copies=2)
    bccurate.report(undone, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "Fidelity of randaugment" in page and "the outlier rule rejects" in page
    for row in record.fidelity["pictures"]:
        assert len(row["variants"]) == 2
        assert all(Path(path).name in page for path in [row["source"], *row["variants"]])
