"""``evaluate`` on real predictions: calibrated on val alone, side by side, with a model card."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import fiftyone as fo
import numpy as np
import pytest
from scipy.stats import binomtest

import bccurate
from bccurate.cli.group import cli as group
from bccurate.errors import UsageError
from bccurate.evaluation.calibration import ece, fit_temperature

QUICK = {"epochs": 1, "image_size": 64, "batch_size": 16}
MODELS = {"custom_cnn": "custom_cnn", "timm:resnet10t": "timm_resnet10t"}  # name to field


@pytest.fixture(scope="module")
def name(tmp_path_factory):
    """96 rendered cells, deduplicated and split, and two models of one epoch."""
    name, folder = "evaluation", tmp_path_factory.mktemp("evaluation") / "cells"
    bccurate.sample(folder, n=96, seed=3)
    bccurate.import_(folder, name)
    bccurate.dedupe(name)
    bccurate.split(name, val=0.2, test=0.2)
    for model in MODELS:
        bccurate.train(model, name, **QUICK)
    yield name
    fo.delete_dataset(name)


def stored(name: str, field: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Logits (N, C) and targets (N,) of a split, read by FiftyOne."""
    dataset = fo.load_dataset(name)
    view = dataset.load_saved_view(split)
    logits, labels = view.values([f"{field}.logits", "ground_truth.label"])
    classes = sorted(
        set(fo.load_dataset(name).load_saved_view("train").distinct("ground_truth.label"))
    )
    return np.array(logits), np.array([classes.index(label) for label in labels])


def test_the_temperature_is_fitted_on_val_and_applied_to_all(name: str) -> None:
    """By hand from the stored logits; accuracy and ECE before are what they were."""
    record = bccurate.evaluate("custom_cnn", name)
    temperature = fit_temperature(*stored(name, "custom_cnn", "val"))
    assert record.temperature == pytest.approx(temperature)
    for split in ("train", "val", "test"):
        logits, targets = stored(name, "custom_cnn", split)
        found = record.metrics[split]
        assert found["ece"] == pytest.approx(ece(logits, targets), abs=1e-6)
        assert found["ece_calibrated"] == pytest.approx(ece(logits, targets, temperature))
        assert found["accuracy"] == pytest.approx((logits.argmax(axis=1) == targets).mean())


def test_no_model_named_sets_all_side_by_side(name: str, cli) -> None:
    """Each as evaluate gives it, the best by val, McNemar by hand; twice changes nothing."""
    found = cli("evaluate", "-d", name, "--json").json
    assert found["command"] == "evaluate" and sorted(found["models"]) == sorted(MODELS)
    for model, row in found["models"].items():
        assert row["metrics"] == bccurate.evaluate(model, name).metrics
    scores = {m: row["metrics"]["val"]["macro_f1"] for m, row in found["models"].items()}
    assert scores[found["best"]] == max(scores.values())
    (other,) = set(MODELS) - {found["best"]}
    assert [(t["model"], t["split"]) for t in found["mcnemar"]] == [(other, "val"), (other, "test")]
    right = {}
    for model in MODELS:
        logits, targets = stored(name, MODELS[model], "test")
        right[model] = logits.argmax(axis=1) == targets
    test, best = found["mcnemar"][1], right[found["best"]]
    alone = [int((right[other] & ~best).sum()), int((best & ~right[other]).sum())]
    assert [test["only_model"], test["only_against"]] == alone and test["n"] == len(best)
    expected = binomtest(alone[0], sum(alone)).pvalue if sum(alone) else 1.0
    assert test["p_value"] == pytest.approx(expected)
    assert cli("evaluate", *MODELS, "-d", name, "--json").json["changed"] is False
    text = cli("evaluate", "-d", name).out
    assert "McNemar against" in text and all(model in text for model in MODELS)


def test_one_model_named_keeps_its_contract(name: str, cli) -> None:
    """``metrics`` by split; the text has the table, the classes and the confusion."""
    found = cli("evaluate", "custom_cnn", "-d", name, "--json").json
    assert found["model"] == "custom_cnn" and set(found["metrics"]) == {"train", "val", "test"}
    text = cli("evaluate", "custom_cnn", "-d", name).out
    assert re.search(r"^split +n +accuracy +95 % interval +macro F1 +ECE +ECE scaled$", text, re.M)
    assert "class (test)" in text and "1 basophil" in text and "temperature:" in text


def test_the_card_lies_beside_the_weights_and_repeats_the_run(name: str) -> None:
    """Train and evaluate name it; its command parses; a second run leaves the file as it is."""
    trained = bccurate.train("custom_cnn", name, **QUICK)
    record = bccurate.evaluate("custom_cnn", name)
    path = Path(record.model_card)
    assert record.model_card == trained.model_card
    assert path.parent == Path(trained.weights).parent and path.name == "MODEL_CARD.md"
    before, text = path.stat(), path.read_text(encoding="utf-8")
    assert bccurate.evaluate("custom_cnn", name).changed is False
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert f"{record.metrics['test']['accuracy']:.4f}" in text
    assert f"{record.metrics['test']['ece_calibrated']:.4f}" in text
    assert "Duplicate-safe are train, val, test" in text and "torch 2" in text
    _, command, *arguments = shlex.split(re.search(r"^\$ (.*)$", text, re.M)[1])
    given = group.get_command(click.Context(group), command).make_context(command, arguments).params
    assert given["dataset"] == name and given["epochs"] == 1 and given["image_size"] == 64


def test_without_val_there_is_no_temperature(name: str) -> None:
    """Said, and left out; nothing else is calibrated on test instead."""
    dataset = fo.load_dataset(name)
    val = dataset.match_tags("val").values("id")
    dataset.select(val).untag_samples("val")
    try:
        record = bccurate.evaluate("custom_cnn", name)
        assert record.temperature is None
        assert not any("ece_calibrated" in row for row in record.metrics.values())
        assert any("no validation samples" in warning for warning in record.warnings)
        compared = bccurate.compare((), name)
        assert compared.best is None and compared.mcnemar == []
    finally:
        dataset.select(val).tag_samples("val")


def test_models_whose_predictions_are_of_other_weights_are_left_out(name: str) -> None:
    """Said where all are asked for; an error where it was named; the last one gone is an error."""
    dataset = fo.load_dataset(name).clone("evaluation-none", persistent=True)
    try:
        with pytest.raises(UsageError, match="No model has predictions"):
            bccurate.compare((), "evaluation-none")  # the clone has no weights
        with pytest.raises(UsageError, match="bccurate train custom_cnn"):
            bccurate.compare(("custom_cnn",), "evaluation-none")
    finally:
        dataset.delete()
