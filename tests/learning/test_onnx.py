"""An exported ONNX file gives torch's logits and describes its preprocessing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bccurate.errors import BccurateError, UsageError
from bccurate.learning import onnx_export as onnx_file
from bccurate.learning.checkpoint import TrainedModel
from bccurate.learning.registry import find_model

runtime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
CLASSES = ["basophil", "ig", "ümläut"]


def _trained(name: str, size: int, standardise: bool = False) -> TrainedModel:
    torch.manual_seed(0)
    spec = replace(find_model(name), standardise=standardise)
    return TrainedModel(spec.build(len(CLASSES)).eval(), spec, CLASSES, size, "run")


def test_onnx_runtime_gives_the_logits_of_torch(tmp_path: Path) -> None:
    """From pixels normalised by the metadata alone, in another batch size than was exported."""
    trained, path = _trained("custom_cnn", 64), tmp_path / "model.onnx"
    assert onnx_file.write_onnx(trained, path, "0" * 64) < 1e-4
    session = runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["classes"]) == CLASSES
    assert metadata["model"] == "custom_cnn" and metadata["weights_sha256"] == "0" * 64
    pixels = np.random.default_rng(3).integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)
    assert int(metadata["image_size"]) == 64
    mean, std = (np.array(json.loads(metadata[key])) for key in ("mean", "std"))
    images = ((pixels / 255 - mean) / std).transpose(0, 3, 1, 2).astype(np.float32)
    (logits,) = session.run(None, {"images": images})
    with torch.no_grad():
        expected = trained.model(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)


def test_a_standardised_model_has_no_mean_and_std(tmp_path: Path) -> None:
    """The preprocessing describes each image's own statistics instead."""
    path = tmp_path / "model.onnx"
    onnx_file.write_onnx(_trained("custom_cnn", 64, standardise=True), path, "")
    metadata = onnx_file.read_metadata(path)
    assert "its own mean over the image" in metadata["preprocessing"]
    assert not {"mean", "std"} & set(metadata)


def test_a_graph_with_other_logits_is_not_written(tmp_path: Path, monkeypatch) -> None:
    """Beyond the tolerance there is no file."""
    monkeypatch.setattr(onnx_file, "TOLERANCE", -1.0)
    with pytest.raises(BccurateError, match="differs from torch"):
        onnx_file.write_onnx(_trained("custom_cnn", 64), tmp_path / "model.onnx", "")
    assert list(tmp_path.iterdir()) == []


def test_a_stacker_cannot_be_exported(tmp_path: Path) -> None:
    """The error says what to export instead."""
    with pytest.raises(UsageError, match="export its bases"):
        onnx_file.write_onnx(_trained("stacker", 0), tmp_path / "model.onnx", "")
