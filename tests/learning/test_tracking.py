"""Metrics of each epoch go to TensorBoard or Weights & Biases."""

from __future__ import annotations

from pathlib import Path

import pytest

from bccurate.errors import UsageError
from bccurate.learning.tracking import FOLDER, check_log, tracked

ROWS = [
    {"epoch": 1, "train_loss": 2.0, "val_loss": 1.5, "val_macro_f1": 0.25, "seconds": 3.0},
    {"epoch": 2, "train_loss": 1.0, "val_loss": 1.25, "val_macro_f1": 0.5, "seconds": 2.0},
]


def _read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder / FOLDER)).Reload()
    return {
        tag: [(point.step, point.value) for point in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def test_tensorboard_reads_back_what_was_logged(tmp_path: Path) -> None:
    """Every metric by epoch, losses of train and val in one chart; by default if installed."""
    pytest.importorskip("tensorboard")
    with tracked("auto", tmp_path, {"lr": 0.001}, 0) as trackers:
        for row in ROWS:
            trackers[0].row(row)
    read = _read(tmp_path)
    assert read["loss/train"] == [(1, 2.0), (2, 1.0)]
    assert read["loss/val"] == [(1, 1.5), (2, 1.25)]
    assert read["macro_f1/val"] == [(1, 0.25), (2, 0.5)]
    assert read["speed/seconds"] == [(1, 3.0), (2, 2.0)]


def test_a_repeated_epoch_is_logged_once(tmp_path: Path) -> None:
    """A training resumed after epoch 1 replaces what was logged of epoch 2."""
    pytest.importorskip("tensorboard")
    for done, rows in ((0, ROWS), (1, [ROWS[1] | {"train_loss": 0.5}])):
        with tracked("tensorboard", tmp_path, {}, done) as trackers:
            for row in rows:
                trackers[0].row(row)
    assert _read(tmp_path)["loss/train"] == [(1, 2.0), (2, 0.5)]


def test_none_logs_nothing_and_a_missing_package_is_named(tmp_path: Path, monkeypatch) -> None:
    """--log none writes no file; an unknown choice or missing package is a usage error."""
    with tracked("none", tmp_path, {}, 0) as trackers:
        assert trackers == []
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError, match="--log"):
        check_log("mlflow")
    monkeypatch.setattr("bccurate.learning.tracking.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="wandb is not installed") as raised:
        check_log("wandb")
    assert raised.value.hint == 'pip install "bccurate[wandb]"'
    with tracked("auto", tmp_path, {}, 0) as trackers:
        assert trackers == []


def test_wandb_works_offline(tmp_path: Path, monkeypatch) -> None:
    """It writes a run to the model's folder without network access."""
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    with tracked("wandb", tmp_path, {"lr": 0.001}, 0) as trackers:
        for row in ROWS:
            trackers[0].row(row)
    assert list((tmp_path / "wandb").glob("offline-run-*/*.wandb"))
