"""What release 0.1.0 wrote opens with this release and gives the same answers.

``make_0_1_0.py`` beside this file made the folder ``0.1.0``; its docstring says what is in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gridfs
import pytest
from bson import json_util

import bccurate
from tests.compat.make_0_1_0 import INTERRUPTED, NAME, TRAIN, digest_of_tensors, header

KEPT = Path(__file__).with_name("0.1.0")
MODELS = ("tiny", "tiny_two", "stacker")
ROUNDING = 2e-3  # of scores and metrics: decoders and sums may differ in the last bits


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A copy of the kept files, with its own path where they name the folder of their making."""
    folder = tmp_path_factory.mktemp("old") / "place"
    shutil.copytree(KEPT, folder)
    answers = (folder / "answers.json").read_text().replace("{PLACE}", str(folder))
    data = json.loads(answers)[-1]["training_data"]
    # A finished training knows its images by a checksum of paths and labels; the paths are new.
    digest = hashlib.sha256(json.dumps(data["parts"]).encode()).hexdigest()[:16]
    for path in folder.rglob("*"):
        if path.suffix in (".json", ".csv", ".md"):
            text = path.read_text().replace("{PLACE}", str(folder))
            path.write_text(text.replace(data["digest"], digest))
    return folder


@pytest.fixture(scope="module")
def answers(place: Path) -> Callable[..., dict[str, Any]]:
    """Return what 0.1.0 said with ``--json`` to a command that begins with these words."""
    rows = json.loads((place / "answers.json").read_text())

    def find(*words: str) -> dict[str, Any]:
        return next(r["json"] for r in rows if r.get("typed", [])[: len(words)] == list(words))

    return find


@pytest.fixture(scope="module")
def hub(place: Path) -> Iterator[Any]:
    """The database of 0.1.0, in the tests' MongoDB, with ``$BCCURATE_HOME`` of 0.1.0."""
    from bccurate.hub.open import load_fiftyone

    fo = load_fiftyone()
    from fiftyone.core.odm import get_db_conn

    database = get_db_conn()
    stored = json_util.loads((place / "database.json").read_text())
    for collection, documents in stored["collections"].items():
        if documents and collection != "config":
            database[collection].insert_many(documents)
    for key, text in stored["files"]:
        gridfs.GridFS(database).put(text.encode(), _id=key)
    before = os.environ["BCCURATE_HOME"]
    os.environ["BCCURATE_HOME"] = str(place / "home")
    yield fo.load_dataset(NAME)
    os.environ["BCCURATE_HOME"] = before
    fo.delete_dataset(NAME)


def _close(found: Any, wanted: Any) -> bool:
    """Return whether two JSON values are equal, numbers up to ``ROUNDING``."""
    if isinstance(wanted, dict):
        return found.keys() >= wanted.keys() and all(_close(found[k], wanted[k]) for k in wanted)
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(_close, found, wanted))
    return found == (pytest.approx(wanted, abs=ROUNDING) if isinstance(wanted, float) else wanted)


def test_info_shows_what_was_run(hub, answers) -> None:
    """Classes, sizes, views and runs are those that 0.1.0 showed; the dataset is still in use."""
    found, wanted = bccurate.info().to_json(), answers("info")
    for key in ("dataset", "n", "classes", "sizes", "views"):
        assert found[key] == wanted[key], key
    assert [run["run"] for run in found["runs"]] == [run["run"] for run in wanted["runs"]]


@pytest.mark.parametrize("command", ["dedupe", "outliers", "leaks"])
def test_a_command_that_was_run_finds_the_same_and_writes_nothing(hub, answers, command) -> None:
    """Run again with the same options, the findings are the same and are already there."""
    run = getattr(bccurate, command)
    if command == "dedupe":
        run(NAME)  # the words of `why` have changed since
    found, wanted = run(NAME).to_json(), answers(command)
    assert not found["changed"]
    for record in (found, wanted):
        for pair in (pair for group in record.get("groups", ()) for pair in group["pairs"]):
            pair.pop("why")
    for key in ("groups", "counts", "outliers", "per_class", "leaks"):
        assert _close(found.get(key), wanted.get(key)), key


def test_a_dataset_is_imported_and_split_already(hub, place, answers) -> None:
    """Importing the same folder adds nothing; splitting again changes nothing."""
    again = bccurate.import_(place / "images", NAME)
    assert (again.added, again.total) == (0, answers("info")["n"])
    assert not bccurate.split(NAME, folds=2).changed


@pytest.mark.parametrize("model", MODELS)
def test_weights_predict_as_before(hub, place, model) -> None:
    """Predictions are there; made anew from the weights they are the same."""
    options = {"dataset": NAME, "zoo": place / "zoo", "device": "cpu"}
    assert not bccurate.predict(model, **options).changed
    logits, labels = (hub.values(f"{model}.{part}") for part in ("logits", "label"))
    bccurate.undo(f"predict_{model}", NAME)
    assert bccurate.predict(model, **options).changed
    hub.reload()
    assert hub.values(f"{model}.label") == labels
    for found, wanted in zip(hub.values(f"{model}.logits"), logits, strict=True):
        assert (found is None) == (wanted is None)
        assert found is None or found == pytest.approx(wanted, abs=ROUNDING)


@pytest.mark.parametrize("model", ["tiny", "stacker"])
def test_a_model_is_evaluated_as_before(hub, place, answers, model) -> None:
    """Metrics of each split, the temperature and the classes are those of 0.1.0."""
    found = bccurate.evaluate(model, NAME, zoo=place / "zoo").to_json()
    wanted = answers("evaluate", model)
    for key in ("classes", "metrics", "temperature"):
        assert _close(found[key], wanted[key]), key


@pytest.mark.parametrize("model", ["tiny", "tiny_two"])
def test_a_finished_training_is_not_repeated(hub, cli, place, monkeypatch, model) -> None:
    """``finished.json`` and the weights answer for it."""
    monkeypatch.chdir(place)
    seed = ("--seed", 2) if model == "tiny_two" else ()
    assert not cli("train", model, "-d", NAME, *TRAIN, *seed, "--json").json["changed"]


def test_an_interrupted_training_goes_on(hub, cli, place, answers, monkeypatch) -> None:
    """The checkpoint, with its moving average, ends where 0.1.0 itself ended with it."""
    monkeypatch.chdir(place)
    model = place / "home" / "datasets" / NAME / "models" / "tiny_three"
    done = header(model / "checkpoint.safetensors")["history"]
    found = cli(*INTERRUPTED, "-d", NAME, "--resume", "--json").json
    wanted = answers("train", "tiny_three")
    assert len(found["history"]) == len(wanted["history"]) == 40
    assert found["history"][: len(done)] == done, "the first epochs are not trained again"
    assert found["best_epoch"] == wanted["best_epoch"]
    assert _close(found["metrics"], wanted["metrics"])


def test_built_in_networks_fit_the_weights_of_before(place) -> None:
    """Names and shapes of all tensors, in order, are those of 0.1.0."""
    from bccurate.learning.registry import find_model

    rows = json.loads((place / "answers.json").read_text())
    for name, digest in rows[-1]["networks"].items():
        assert digest_of_tensors(find_model(name).build(8)) == digest, name


@pytest.mark.parametrize("export", ["folder", "csv", "coco", "cells.npz"])
def test_an_export_is_imported_with_labels_and_splits(place, answers, name, export) -> None:
    """Every sample comes back with its label and split."""
    import fiftyone as fo

    wanted = answers("export", f"exports/{export}")
    record = bccurate.import_(place / "exports" / export, name)
    assert record.added == record.total == wanted["exported"]
    dataset = fo.load_dataset(name)
    assert all(dataset.values("ground_truth.label"))
    splits = dataset.count_sample_tags()
    assert splits.get("test") == (wanted["exported"] if export != "folder" else splits["test"])


def test_options_of_an_earlier_json_output_are_taken(hub, cli, place, answers, tmp_path) -> None:
    """``--config`` reads what 0.1.0 printed with ``--json``."""
    for words in (("dedupe",), ("outliers",), ("split", "--folds")):
        (tmp_path / "run.json").write_text(json.dumps(answers(*words)))
        found = cli(words[0], "-d", NAME, "--config", tmp_path / "run.json", "--json").json
        assert not found["changed"], words


def test_a_report_is_written(hub, place, tmp_path) -> None:
    """Every run record of 0.1.0 has its section."""
    bccurate.report(NAME, out=tmp_path / "report.html")
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    for word in ("duplicate", "outlier", "tiny", "stacker", "augmix"):
        assert word in html


# The last test: it takes away what the others read.
def test_every_run_is_undone(hub, answers) -> None:
    """Fields, tags and views of every run of 0.1.0 go; the samples stay."""
    for run in reversed([row["run"] for row in bccurate.info(NAME).runs]):
        if run != "import":
            bccurate.undo(run, NAME)
    hub.reload()
    assert hub.list_saved_views() == []
    assert {"duplicate_group", "outlier_score", *MODELS}.isdisjoint(hub.get_field_schema())
    assert len(hub) == answers("import")["total"]
    assert {"duplicate", "outlier", "train", "val", "test"}.isdisjoint(hub.distinct("tags"))
