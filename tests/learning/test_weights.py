"""Pretrained weights and model files: whole, or a clear refusal."""

import json
import struct
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bccurate.errors import InputError, UsageError
from bccurate.learning import weights as module
from bccurate.learning.checkpoint import load_model, save_model
from bccurate.learning.weights import load_pretrained
from bccurate.learning.zoo import find_model

SPEC = find_model("timm:resnet18")


def test_a_file_is_loaded_but_for_the_head(tmp_path: Path) -> None:
    """Weights with 5 classes go into a model of 3; the head stays as it was."""
    source, model = SPEC.build(5), SPEC.build(3)
    head = model.fc.weight.clone()
    save_file(source.state_dict(), tmp_path / "w.safetensors")
    load_pretrained(model, SPEC, str(tmp_path / "w.safetensors"))
    assert torch.equal(model.layer3[0].conv1.weight, source.layer3[0].conv1.weight)
    assert torch.equal(model.bn1.running_mean, source.bn1.running_mean)
    assert torch.equal(model.fc.weight, head)


def test_another_key_layout_fails_loudly(tmp_path: Path) -> None:
    """A file that matches less than 90 % is refused and nothing is loaded."""
    model = SPEC.build(3)
    before = model.conv1.weight.clone()
    tensors = {f"net.{k}": v for k, v in model.state_dict().items()}
    tensors["conv1.weight"] = torch.zeros_like(before)
    save_file(tensors, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match="fits 1 of"):
        load_pretrained(model, SPEC, str(tmp_path / "w.safetensors"))
    assert torch.equal(model.conv1.weight, before)


@pytest.mark.parametrize("name", ["w.pth", "none.safetensors", "broken.safetensors"])
def test_files_that_will_not_do(tmp_path: Path, name: str) -> None:
    """A pickle, a missing file and a broken file are named in an InputError."""
    for made in ("w.pth", "broken.safetensors"):
        (tmp_path / made).write_bytes(b"\x80\x04junk" * 9)
    with pytest.raises(InputError, match=name):
        load_pretrained(SPEC.build(3), SPEC, str(tmp_path / name))


def test_imagenet_without_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within about a second, and the error says which file to bring and where to put it."""
    monkeypatch.setenv("BCCURATE_HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://10.255.255.1")
    model = SPEC.build(3)
    start = time.perf_counter()
    with pytest.raises(InputError, match=r"resnet18\.a1_in1k") as error:
        load_pretrained(model, SPEC, "imagenet")
    assert time.perf_counter() - start < 2.0
    assert str(tmp_path / "weights" / "resnet18.a1_in1k.safetensors") in error.value.hint


def test_imagenet_brought_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file put where that error says is used, without a look at the network."""
    monkeypatch.setenv("BCCURATE_HOME", str(tmp_path))
    monkeypatch.setattr(module, "_answers", lambda _: pytest.fail("asked the network"))
    source, model = SPEC.build(1000), SPEC.build(3)
    (tmp_path / "weights").mkdir()
    save_file(source.state_dict(), tmp_path / "weights" / "resnet18.a1_in1k.safetensors")
    load_pretrained(model, SPEC, "imagenet")
    assert torch.equal(model.conv1.weight, source.conv1.weight)


def test_no_imagenet_weights() -> None:
    """The custom network has none, and that is a usage error."""
    spec = find_model("custom_cnn")
    with pytest.raises(UsageError, match="no ImageNet weights"):
        load_pretrained(spec.build(2), spec, "imagenet")


def _header(path: Path, change: dict) -> None:
    """Rewrite the JSON in the header of a model file."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    ours = {**json.loads(header["__metadata__"]["bccurate"]), **change}
    header["__metadata__"]["bccurate"] = json.dumps(ours)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


@pytest.mark.parametrize(
    "change",
    [
        {"classes": "abc"},
        {"classes": ["a"]},
        {"image_size": -4},
        {"mean": [0.5]},
        {"std": [0, 1, 1]},
        {"kind": "checkpoint"},
        {"image_size": None},
    ],
)
def test_a_header_that_lies(tmp_path: Path, change: dict) -> None:
    """Every field of the header is checked; a wrong one is an InputError that names the file."""
    path = tmp_path / "m.safetensors"
    spec = find_model("custom_cnn")
    save_model(path, spec.build(2), spec, ["a", "b"], 64, "r")
    _header(path, change)
    with pytest.raises(InputError, match=r"m\.safetensors"):
        load_model(path)


def test_a_header_asks_for_no_code(tmp_path: Path) -> None:
    """A model name that no zoo has is refused; a foreign file and a cut one too."""
    path = tmp_path / "m.safetensors"
    spec = find_model("custom_cnn")
    save_model(path, spec.build(2), spec, ["a", "b"], 64, "r")
    whole = path.read_bytes()
    _header(path, {"model": "os.system"})
    with pytest.raises(UsageError, match="no model"):
        load_model(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError):
        load_model(path)
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="no header of ours"):
        load_model(path)
