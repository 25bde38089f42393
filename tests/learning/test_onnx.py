"""A trained model as ONNX answers as torch does, and says how to feed it."""

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


def test_onnx_runtime_gives_torchs_logits(tmp_path: Path) -> None:
    """For any batch size, from pixels by the metadata alone, in a session of its own."""
    trained, path = _trained("custom_cnn", 64), tmp_path / "model.onnx"
    assert onnx_file.write_onnx(trained, path, "0" * 64) < 1e-4
    session = runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    told = session.get_modelmeta().custom_metadata_map
    assert json.loads(told["classes"]) == CLASSES
    assert told["model"] == "custom_cnn" and told["weights_sha256"] == "0" * 64
    pixels = np.random.default_rng(3).integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)
    assert int(told["image_size"]) == 64
    mean, std = (np.array(json.loads(told[key])) for key in ("mean", "std"))
    images = ((pixels / 255 - mean) / std).transpose(0, 3, 1, 2).astype(np.float32)
    (logits,) = session.run(None, {"images": images})
    with torch.no_grad():
        expected = trained.model(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)


def test_an_image_fed_by_its_own_statistics_says_so(tmp_path: Path) -> None:
    """The words tell it, and there is no mean or std that one could take for the model's."""
    path = tmp_path / "model.onnx"
    onnx_file.write_onnx(_trained("custom_cnn", 64, standardise=True), path, "")
    told = onnx_file.read_metadata(path)
    assert "its own mean over the image" in told["preprocessing"]
    assert not {"mean", "std"} & set(told)


def test_what_answers_otherwise_is_not_written(tmp_path: Path, monkeypatch) -> None:
    """Past the tolerance there is no file."""
    monkeypatch.setattr(onnx_file, "TOLERANCE", -1.0)
    with pytest.raises(BccurateError, match="differs from torch"):
        onnx_file.write_onnx(_trained("custom_cnn", 64), tmp_path / "model.onnx", "")
    assert list(tmp_path.iterdir()) == []


def test_a_stacker_has_no_pixels_to_read(tmp_path: Path) -> None:
    """It is refused with what to do."""
    with pytest.raises(UsageError, match="export its bases"):
        onnx_file.write_onnx(_trained("stacker", 0), tmp_path / "model.onnx", "")
