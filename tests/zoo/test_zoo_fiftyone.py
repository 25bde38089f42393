"""The zoo folder is a FiftyOne model source whose models work with ``apply_model``."""

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bccurate.zoo
import numpy as np
import pytest
import torch
from PIL import Image

from bccurate.app import link
from bccurate.errors import UsageError
from bccurate.hub.open import load_fiftyone
from bccurate.learning.checkpoint import TrainedModel, save_model
from bccurate.learning.checkpoint import load_model as load_trained
from bccurate.learning.data import load_pixels
from bccurate.learning.predict import predict, softmax
from bccurate.learning.registry import find_model
from bccurate.workflows.artifacts import model_folder
from bccurate.workflows.fiftyone_zoo import load_model

ZOO = Path(bccurate.zoo.__file__).parent
CLASSES = ["basophil", "monocyte", "platelet"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as FiftyOne's model folder."""
    monkeypatch.setattr(load_fiftyone().config, "model_zoo_dir", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A network of three classes, saved as ``train`` does."""
    torch.manual_seed(0)
    spec, path = find_model("custom_cnn"), tmp_path / "trained.safetensors"
    save_model(path, TrainedModel(spec.build(3), spec, CLASSES, 64, "train_custom_cnn"))
    return path


@pytest.fixture
def dataset(name: str, tmp_path: Path) -> Any:
    """Six images of different sizes, one grey and one with an alpha channel."""
    fo, rng = load_fiftyone(), np.random.default_rng(0)
    paths = []
    for i, mode in enumerate(["RGB", "RGB", "RGB", "RGB", "L", "RGBA"]):
        paths.append(str(tmp_path / f"{i}.png"))
        pixels = rng.integers(0, 256, (60 + 4 * i, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).convert(mode).save(paths[-1])
    dataset = fo.Dataset(name)
    dataset.add_samples([fo.Sample(filepath=path) for path in paths])
    return dataset


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The local URL of the zipped zoo folder."""
    archive = shutil.make_archive(str(tmp_path / "zoo"), "zip", ZOO)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{Path(archive).name}"
        server.shutdown()


def test_apply_model_writes_what_predict_writes(folder: Path, weights: Path, dataset: Any) -> None:
    """``foz.load_zoo_model`` and ``apply_model``: labels, confidences and logits of ``predict``."""
    import fiftyone.zoo as foz

    link.share_zoo()
    model = foz.load_zoo_model("bccurate/custom_cnn", weights=str(weights), device="cpu")
    dataset.apply_model(model, label_field="mine", store_logits=True, batch_size=4, num_workers=0)
    images = load_pixels(dataset.values("filepath"), 64)
    expected = predict(load_trained(weights), images, device="cpu")
    assert dataset.values("mine.label") == [CLASSES[i] for i in expected.argmax(1)]
    np.testing.assert_allclose(
        dataset.values("mine.confidence"), softmax(expected).max(1), rtol=1e-5
    )
    np.testing.assert_allclose(np.array(dataset.values("mine.logits")), expected, atol=1e-4)
    # Only these two files: trained weights stay with their dataset.
    assert {p.name for p in (folder / "bccurate-zoo").iterdir() if p.is_file()} == set(
        link.ZOO_FILES
    )


def test_weights_are_found_by_dataset(folder: Path, weights: Path, name: str) -> None:
    """A model that was not trained on it is refused with the command to type."""
    place = model_folder(name, "custom_cnn") / "model.safetensors"
    place.parent.mkdir(parents=True)
    shutil.copy(weights, place)
    model = load_model("bccurate/custom_cnn", dataset=name)
    assert model.classes == CLASSES and model.config.model_path == str(place)
    with pytest.raises(UsageError, match="not trained on") as error:
        load_model("bccurate/resnet50", dataset=name)
    assert error.value.hint == f"bccurate train resnet50 -d {name}"
    with pytest.raises(UsageError, match="holds custom_cnn, not resnet50"):
        load_model("bccurate/resnet50", weights=weights)


def test_the_zoo_is_registered_as_an_archive(folder: Path, weights: Path, served: str) -> None:
    """FiftyOne downloads, lists, loads and removes it."""
    import fiftyone.zoo as foz

    foz.register_zoo_model_source(served)
    assert "bccurate/nasnet_mobile" in foz.list_zoo_models(source=served)
    model = foz.load_zoo_model("bccurate/custom_cnn", weights=str(weights), cache=False)
    assert model.classes == CLASSES
    assert bccurate.zoo.__file__ == str(ZOO / "__init__.py")  # not replaced
    foz.delete_zoo_model_source(served)
    assert not (folder / "bccurate-zoo").exists()


def test_zoo_files_are_copied_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal files are kept, another one is replaced, and nothing is copied if refused."""
    monkeypatch.setenv(link.REFUSE, "0")
    assert not link.share_zoo() and not folder.exists()
    monkeypatch.delenv(link.REFUSE)
    assert link.share_zoo() and not link.share_zoo()
    (folder / "bccurate-zoo" / "manifest.json").write_text("{}")
    assert link.share_zoo()
    assert (folder / "bccurate-zoo" / "manifest.json").read_bytes() == (
        ZOO / "manifest.json"
    ).read_bytes()


def test_large_logits_do_not_overflow() -> None:
    """A logit of 1,000 gives confidence 1; FiftyOne's own processor gives NaN."""
    load_fiftyone()
    from bccurate.hub.fiftyone_model import Labels

    label, other = Labels(classes=["a", "b"])(torch.tensor([[1000.0, 0.0], [0.0, 0.0]]), None)
    assert (label.label, label.confidence, other.confidence) == ("a", 1.0, 0.5)
    assert label.logits is None


def test_the_app_selects_weights_of_the_open_dataset() -> None:
    """In its form."""
    context = SimpleNamespace(dataset=SimpleNamespace(name="cells"))
    params: dict[str, Any] = {}
    bccurate.zoo.parse_parameters("bccurate/resnet50", context, params)
    assert params == {"dataset": "cells"}
