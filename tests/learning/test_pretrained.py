"""Pretrained weights and model files are loaded completely or refused."""

import json
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bccurate.errors import InputError, UsageError
from bccurate.files import sha256_of_file
from bccurate.learning import imagenet_weights as module
from bccurate.learning.checkpoint import TrainedModel, load_model, save_model
from bccurate.learning.imagenet_weights import cached_weights, imagenet_file
from bccurate.learning.pretrained import load_pretrained
from bccurate.learning.registry import find_model
from bccurate.learning.safetensors_io import read_tensors

SPEC = find_model("timm:resnet18")


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty folders for bccurate and for the caches of the hub and of torch."""
    monkeypatch.setenv("BCCURATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "home"


def test_all_but_the_head_is_loaded(tmp_path: Path) -> None:
    """Weights of 5 classes load into a model of 3; its head is unchanged."""
    source, model = SPEC.build(5), SPEC.build(3)
    head = model.fc.weight.clone()
    save_file(source.state_dict(), tmp_path / "w.safetensors")
    load_pretrained(model, SPEC, str(tmp_path / "w.safetensors"))
    assert torch.equal(model.layer3[0].conv1.weight, source.layer3[0].conv1.weight)
    assert torch.equal(model.bn1.running_mean, source.bn1.running_mean)
    assert torch.equal(model.fc.weight, head)


def test_a_file_with_other_tensor_names_is_refused(tmp_path: Path) -> None:
    """If less than 90 % match, nothing is loaded."""
    model = SPEC.build(3)
    before = model.conv1.weight.clone()
    tensors = {f"net.{k}": v for k, v in model.state_dict().items()}
    tensors["conv1.weight"] = torch.zeros_like(before)
    save_file(tensors, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match="fits 1 of"):
        load_pretrained(model, SPEC, str(tmp_path / "w.safetensors"))
    assert torch.equal(model.conv1.weight, before)


@pytest.mark.parametrize("name", ["w.pth", "none.pth", "none.safetensors", "broken.safetensors"])
def test_a_missing_or_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    """In an InputError, for either format."""
    for made in ("w.pth", "broken.safetensors"):
        (tmp_path / made).write_bytes(b"\x80\x04junk" * 9)
    with pytest.raises(InputError, match=name):
        load_pretrained(SPEC.build(3), SPEC, str(tmp_path / name))


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"state_dict": s, "epoch": 3}])
def test_a_torch_checkpoint_is_converted_once(
    own_home: Path, tmp_path: Path, wrap: Callable
) -> None:
    """A .pth of weights, or of a training with wrapper prefixes, becomes a safetensors file."""
    source, model = SPEC.build(5), SPEC.build(3)
    state = {f"module.{name}": tensor for name, tensor in source.state_dict().items()}
    torch.save(wrap(state), tmp_path / "w.pth")
    for _ in range(2):
        load_pretrained(model, SPEC, str(tmp_path / "w.pth"))
        assert torch.equal(model.conv1.weight, source.conv1.weight)
        (converted,) = (own_home / "weights" / "converted").iterdir()
        tensors, header = read_tensors(converted)
        assert torch.equal(tensors["conv1.weight"], source.conv1.weight)
        assert header["sha256"] == sha256_of_file(tmp_path / "w.pth")


class _Bomb:
    def __reduce__(self) -> tuple:
        return Path.touch, (Path("ran"),)


@pytest.mark.parametrize(
    "content",
    [
        {"conv1.weight": torch.zeros(2), "x": _Bomb()},
        {"conv1.weight": torch.zeros(1).expand(1 << 40)},
        {"epoch": 3},
        [1, 2],
    ],
)
def test_code_in_a_pickle_is_not_run(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: object
) -> None:
    """Code, 4 TB of one repeated number, no tensors: refused, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    torch.save(content, "w.pth")
    with pytest.raises(InputError, match=r"w\.pth"):
        load_pretrained(SPEC.build(3), SPEC, "w.pth")
    assert not (tmp_path / "ran").exists()
    assert not own_home.exists()


@pytest.mark.parametrize("name", ["resnet50", "nasnet_mobile", "timm:resnet18"])
def test_imagenet_weights_without_network_are_refused_at_once(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Within a second; the error says which file to download and where to put it."""
    spec = find_model(name)
    if not spec.weights.startswith("timm/"):
        spec = replace(spec, weights="https://10.255.255.1/v1/nasnetmobile-7e03cead.pth.tar")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "https://10.255.255.1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    start = time.perf_counter()
    with pytest.raises(InputError, match=r"10\.255\.255\.1 does not offer") as error:
        imagenet_file(spec)
    assert time.perf_counter() - start < 1.0
    file = spec.weights.rpartition("/")[2] + (".safetensors" if "timm/" in spec.weights else "")
    assert f"download https://10.255.255.1/{'timm' if 'timm/' in spec.weights else 'v1'}/" in str(
        error.value
    )
    assert str(own_home / "weights" / file) in error.value.hint


def test_imagenet_weights_put_there_by_hand_are_used(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without network access."""
    monkeypatch.setattr(module, "answers", lambda _: pytest.fail("asked the network"))
    source, model = SPEC.build(1000), SPEC.build(3)
    (own_home / "weights").mkdir(parents=True)
    save_file(source.state_dict(), own_home / "weights" / "resnet18.a1_in1k.safetensors")
    load_pretrained(model, SPEC, "imagenet")
    assert torch.equal(model.conv1.weight, source.conv1.weight)


def _in_torch_cache(folder: Path) -> Path:
    place = folder / "hub" / "checkpoints" / "net-1234.pth"
    place.parent.mkdir(parents=True)
    torch.save({"w": torch.ones(4)}, place)
    return place


@pytest.mark.parametrize("digits", [8, 64])
def test_the_sha256_of_the_manifest_is_checked(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: int
) -> None:
    """A cached file with that sha256, or its first digits, is used; a changed file is refused."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    place = _in_torch_cache(tmp_path)
    digest = sha256_of_file(place)[:digits]
    spec = replace(SPEC, weights="https://example.org/net-1234.pth", sha256=digest)
    assert imagenet_file(spec) == place == cached_weights(spec)
    place.write_bytes(place.read_bytes() + b"x")
    with pytest.raises(InputError, match=digest) as error:
        imagenet_file(spec)
    assert f"--weights {place}" in error.value.hint


def test_a_damaged_file_in_the_hub_cache_is_refused(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache names a file by its sha256, which is checked."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / "models--timm--resnet18.a1_in1k"
    for part in ("blobs", "refs", "snapshots/abc"):
        (folder / part).mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc")
    save_file(SPEC.build(2).state_dict(), tmp_path / "w")
    blob = folder / "blobs" / sha256_of_file(tmp_path / "w")
    (tmp_path / "w").rename(blob)
    (folder / "snapshots" / "abc" / "model.safetensors").symlink_to(blob)
    assert imagenet_file(SPEC).resolve() == blob
    blob.write_bytes(blob.read_bytes()[:-1])
    with pytest.raises(InputError, match="sha256"):
        imagenet_file(SPEC)


def test_weights_are_downloaded_once(own_home: Path, tmp_path: Path) -> None:
    """And checked; a file with another sha256 is not kept."""
    torch.save({"w": torch.ones(4)}, tmp_path / "net.pth")
    asked = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            asked.append(args)

    handler = partial(Handler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/net.pth"
        spec = replace(SPEC, weights=url, sha256=sha256_of_file(tmp_path / "net.pth"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "_is_url", lambda _: True)  # else only https
            patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
            assert imagenet_file(spec) == own_home / "weights" / "net.pth"
            requests = len(asked)
            imagenet_file(spec)
            assert len(asked) == requests > 0
            (own_home / "weights" / "net.pth").unlink()
            with pytest.raises(InputError, match="Downloading"):
                imagenet_file(replace(spec, sha256="0" * 64))
            assert list((own_home / "weights").iterdir()) == []
        server.shutdown()


def test_a_model_without_imagenet_weights_is_refused() -> None:
    """Such as custom_cnn."""
    spec = find_model("custom_cnn")
    with pytest.raises(UsageError, match="no ImageNet weights"):
        load_pretrained(spec.build(2), spec, "imagenet")


def _save(path: Path) -> None:
    spec = find_model("custom_cnn")
    save_model(path, TrainedModel(spec.build(2), spec, ["a", "b"], 64, "r"))


def _header(path: Path, change: dict) -> None:
    """Change fields of the JSON in the header of a model file."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    fields = {**json.loads(header["__metadata__"]["bccurate"]), **change}
    header["__metadata__"]["bccurate"] = json.dumps(fields)
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
def test_an_invalid_header_field_is_refused(tmp_path: Path, change: dict) -> None:
    """The InputError names the file."""
    path = tmp_path / "m.safetensors"
    _save(path)
    _header(path, change)
    with pytest.raises(InputError, match=r"m\.safetensors"):
        load_model(path)


def test_a_header_cannot_run_code(tmp_path: Path) -> None:
    """An unknown model name is refused; so are a truncated file and one of another program."""
    path = tmp_path / "m.safetensors"
    _save(path)
    whole = path.read_bytes()
    _header(path, {"model": "os.system"})
    with pytest.raises(UsageError, match="no model"):
        load_model(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError):
        load_model(path)
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="no bccurate header"):
        load_model(path)
