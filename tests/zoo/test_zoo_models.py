"""The same contract for every registered model."""

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import bccurate.zoo
import pytest
import torch
from bccurate.zoo import custom_cnn
from safetensors.torch import load_file

from bccurate.explanation.gradcam import gradcam
from bccurate.learning.checkpoint import load_model, save_model
from bccurate.learning.weights import head_names
from bccurate.learning.zoo import ModelSpec, list_models

SPECS = {spec.name: spec for spec in list_models() if spec.package == "bccurate.zoo"}
MANIFEST = Path(bccurate.zoo.__file__).with_name("manifest.json")


@pytest.fixture(scope="module", params=sorted(SPECS))
def spec(request: pytest.FixtureRequest) -> ModelSpec:
    return SPECS[request.param]


@pytest.fixture(scope="module")
def model(spec: ModelSpec) -> torch.nn.Module:
    torch.manual_seed(0)
    return spec.build(3)


@pytest.mark.parametrize("size", [96, 64])
def test_shape_and_finite(model: torch.nn.Module, size: int) -> None:
    """Logits are (N, classes) and finite at 96 and 64 px, for a batch of one too."""
    with torch.no_grad():
        logits = model.eval()(torch.randn(1, 3, size, size))
    assert logits.shape == (1, 3)
    assert logits.isfinite().all()


def test_every_parameter_gets_a_gradient(model: torch.nn.Module) -> None:
    """One backward pass reaches every parameter."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # timm starts residual branches at zero
            torch.nn.init.ones_(module.weight)
    model.train()(torch.randn(3, 3, 64, 64)).square().sum().backward()
    missing = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    model.zero_grad(set_to_none=True)
    assert missing == []


def test_gradcam_layer(model: torch.nn.Module, spec: ModelSpec) -> None:
    """The manifest's layer exists and has at least 4x4 cells at 96 px."""
    result = gradcam(model, spec.gradcam_layer, torch.randn(1, 3, 96, 96), torch.tensor([1]))
    assert min(result.map_size) >= 4
    assert result.maps.shape == (1, 96, 96)


def test_weights_round_trip(model: torch.nn.Module, spec: ModelSpec, tmp_path: Path) -> None:
    """A saved model comes back with equal tensors, classes, size and run."""
    path = tmp_path / "m.safetensors"
    save_model(path, model, spec, ["a", "b", "c"], 96, "run-1")
    trained = load_model(path)
    assert (trained.spec, trained.classes, trained.image_size, trained.run) == (
        spec,
        ["a", "b", "c"],
        96,
        "run-1",
    )
    assert not trained.model.training
    for name, tensor in load_file(path).items():
        assert torch.equal(trained.model.state_dict()[name], tensor), name


def test_head_is_known(model: torch.nn.Module) -> None:
    """The head that pretrained weights leave alone is the layer of as many outputs as classes."""
    (name,) = head_names(model)
    assert model.get_submodule(name).out_features == 3


def test_parameter_counts() -> None:
    """ResNet-50 has the published 25,557,032 parameters; the custom net's are counted by hand."""
    resnet = SPECS["resnet50"].build(1000)
    assert sum(p.numel() for p in resnet.parameters()) == 25_557_032
    widths = [3, 32, 64, 128, 256, 512, 512]
    convolutions = sum(9 * a * b + 2 * b for a, b in pairwise(widths))
    dense = (512 * 128 + 128) + 4 * (128 * 128 + 128) + (128 * 8 + 8)
    network = custom_cnn.build(8)
    assert sum(p.numel() for p in network.parameters()) == convolutions + dense


def test_custom_cnn_follows_the_paper() -> None:
    """Six blocks to 512 channels, a 6x6 map at block 5, five dense layers of 128 with L2."""
    network = custom_cnn.build(8)
    names = [n for n, m in network.named_modules() if isinstance(m, torch.nn.Conv2d)]
    assert names == [f"block{i}.conv" for i in range(1, 7)]
    dense = [m for m in network.dense if isinstance(m, torch.nn.Linear)]
    assert [m.out_features for m in dense] == [128] * 5
    assert network.weight_decay == {"dense": custom_cnn.L2}
    assert network.dropout.p == 0.25


def test_manifest_is_one_for_us_and_for_fiftyone() -> None:
    """FiftyOne reads the same manifest as a remote zoo model source and lists the same models."""
    code = (
        "import sys; from fiftyone.zoo.models import RemoteZooModelsManifest as M;"
        "m = M.from_json(sys.argv[1]); print(m.name, *[x.name for x in m])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(MANIFEST)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "FIFTYONE_DO_NOT_TRACK": "1"},
    )
    name, *models = done.stdout.split()
    # Named "bccurate", FiftyOne would overwrite our package in sys.modules.
    assert name == json.loads(MANIFEST.read_text())["name"] == "bccurate-zoo"
    assert models == [f"bccurate/{spec}" for spec in SPECS]
