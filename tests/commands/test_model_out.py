"""A trained model for other programs: its curves, and the network as ONNX."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import bccurate
from bccurate.workflows.artifacts import model_folder

MODEL = "custom_cnn"


def test_a_training_leaves_curves_and_goes_out_as_onnx(rendered, name, cli, tmp_path) -> None:
    """Classes come along; again nothing changes; another file in its place is left alone."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    pytest.importorskip("tensorboard")
    bccurate.import_(rendered, name)
    bccurate.split(name)
    cli("train", MODEL, "-d", name, "--epochs", 1, "--image-size", 64)
    assert list((model_folder(name, MODEL) / "tensorboard").glob("events*"))
    out = tmp_path / "model.onnx"
    record = cli("export-onnx", MODEL, "-d", name, "--out", out, "--json").json
    assert record["difference"] < 1e-4
    told = {row.key: row.value for row in onnx.load(str(out)).metadata_props}
    assert json.loads(told["classes"]) == record["classes"] and told["image_size"] == "64"
    before = out.read_bytes()
    assert bccurate.export_onnx(MODEL, name, out).changed is False and out.read_bytes() == before
    out.write_text("mine")
    outcome = cli("export-onnx", MODEL, "-d", name, "--out", out)
    assert outcome.code == 2 and "another file" in outcome.err
    assert Path(out).read_text() == "mine"
