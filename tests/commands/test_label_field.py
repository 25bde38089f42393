"""Any FiftyOne dataset and any Classification field, beside FiftyOne's own keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import bccurate
from bccurate.errors import InputError, UsageError
from bccurate.hub.open import load_fiftyone

FIELD = "diagnosis"


@pytest.fixture
def foreign(rendered: Path, name: str) -> Iterator[str]:
    """A dataset that FiftyOne made, with its labels in a field of another name."""
    fo = load_fiftyone()
    dataset = fo.Dataset.from_dir(
        str(rendered / "images"),
        dataset_type=fo.types.ImageClassificationDirectoryTree,
        label_field=FIELD,
        name=name,
    )
    dataset.persistent = True
    yield name


def test_a_dataset_made_elsewhere_takes_every_command(foreign: str) -> None:
    """Import is not needed: curation, training and the tables read the field that use chose."""
    fo = load_fiftyone()
    used = bccurate.use(foreign)
    assert (used.label_field, used.warnings, used.changed) == (FIELD, [], True)
    assert bccurate.use(foreign, FIELD).changed is False
    bccurate.dedupe(foreign)
    bccurate.outliers(foreign)
    bccurate.split(foreign)
    record = bccurate.train("custom_cnn", foreign, epochs=1, image_size=64)
    assert record.metrics["test"]["n"] > 0
    bccurate.evaluate("custom_cnn", foreign)
    bccurate.mistakes("custom_cnn", foreign)
    bccurate.augment("augmix", foreign)
    dataset = fo.load_dataset(foreign)
    assert dataset.get_field("ground_truth") is None
    assert dataset.load_evaluation_view("eval_custom_cnn").count(FIELD) > 0
    variant = dataset.match_tags("variant").first()
    assert variant[FIELD].label == dataset[variant.source_id][FIELD].label
    table = {row["label"]: row["n"] for row in bccurate.info(foreign).classes}
    counts = dataset.match_tags("variant", bool=False).count_values(f"{FIELD}.label")
    assert {label: table[label] for label in counts} == counts


def test_fiftyones_own_keys_stay_beside_ours(foreign: str) -> None:
    """uniqueness, a similarity index and a person's fields live through dedupe and undo."""
    fo = load_fiftyone()
    import fiftyone.brain as fob
    import numpy as np

    dataset = fo.load_dataset(foreign)
    vectors = np.random.default_rng(0).normal(size=(len(dataset), 4))
    fob.compute_uniqueness(dataset, embeddings=vectors, progress=False)
    fob.compute_similarity(dataset, embeddings=vectors, brain_key="near", progress=False)
    unique = dataset.values("uniqueness")
    bccurate.use(foreign)
    bccurate.dedupe(foreign)
    bccurate.undo("dedupe", foreign)
    dataset.reload()
    assert dataset.values("uniqueness") == unique
    assert dataset.list_brain_runs() == ["near", "uniqueness"] or dataset.has_brain_run("near")
    assert len(dataset.sort_by_similarity(dataset.first().id, brain_key="near", k=3)) == 3


def test_a_missing_label_field_names_those_there_are(foreign: str) -> None:
    """Without use, and with a mistyped field, the message gives the name and the line to type."""
    with pytest.raises(InputError, match=f"has {FIELD}") as raised:
        bccurate.outliers(foreign)
    assert f"bccurate use {foreign} --label-field" in str(raised.value)
    with pytest.raises(UsageError, match=f"Did you mean {FIELD}"):
        bccurate.use(foreign, "diagnosys")


def test_of_several_fields_none_is_guessed(foreign: str, rendered: Path) -> None:
    """Two Classification fields and no ground_truth: use warns; import then fills the chosen."""
    fo = load_fiftyone()
    dataset = fo.load_dataset(foreign)
    dataset.add_sample_field(
        "second", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification
    )
    assert f"{FIELD}, second" in bccurate.use(foreign).warnings[0]
    bccurate.use(foreign, "second")
    bccurate.import_(rendered / "masks", foreign)
    assert dataset.reload() is None and dataset.count("second") > 0


def test_media_that_are_no_images_are_refused(name: str) -> None:
    """A video dataset is told by what it holds."""
    fo = load_fiftyone()
    fo.Dataset(name, persistent=True).add_sample(fo.Sample(filepath="/nowhere/film.mp4"))
    with pytest.raises(UsageError, match="video"):
        bccurate.use(name)
