"""Every built-in model fulfils the same contract."""

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import bccurate.zoo
import pytest
import timm
import torch
from bccurate.zoo import custom_cnn, stacker
from safetensors.torch import load_file

from bccurate.explanation.gradcam import gradcam
from bccurate.learning.checkpoint import TrainedModel, load_model, save_model
from bccurate.learning.pretrained import head_names
from bccurate.learning.registry import IMAGES, ModelSpec, list_models

SPECS = {spec.name: spec for spec in list_models() if spec.package == "bccurate.zoo"}
READ_IMAGES = sorted(name for name, spec in SPECS.items() if spec.inputs == IMAGES)
MANIFEST = Path(bccurate.zoo.__file__).with_name("manifest.json")
PUBLISHED = {
    "resnet50": 25_557_032,
    "inception_v3": 23_834_568,
    "efficientnet_b0": 5_288_548,
    "nasnet_mobile": 5_289_978,
}
CLASSES = ["a", "b", "c"]

_BUILT: dict[str, torch.nn.Module] = {}


@pytest.fixture(params=sorted(SPECS))
def spec(request: pytest.FixtureRequest) -> ModelSpec:
    return SPECS[request.param]


@pytest.fixture
def model(spec: ModelSpec) -> torch.nn.Module:
    """The network for three classes, built once and in eval mode."""
    if spec.name not in _BUILT:
        torch.manual_seed(0)
        _BUILT[spec.name] = spec.build(len(CLASSES))
    return _BUILT[spec.name].eval()


def inputs(spec: ModelSpec, n: int, size: int | None = None) -> torch.Tensor:
    """Return a batch for the model: images, or the logits of three models."""
    if spec.inputs != IMAGES:
        return torch.randn(n, stacker.BASES, len(CLASSES))
    size = size or spec.input_size
    return torch.randn(n, 3, size, size)


def test_there_are_six_models() -> None:
    """The five networks of the paper and its stacker."""
    assert set(SPECS) == {"custom_cnn", "stacker", *PUBLISHED}


@pytest.mark.parametrize("size", [None, 96, 224])
def test_logits_are_finite(model: torch.nn.Module, spec: ModelSpec, size: int | None) -> None:
    """And of shape (N, classes): at the model's size, 96 and 224 px, for a batch of one."""
    with torch.inference_mode():
        logits = model(inputs(spec, 1, size))
    assert logits.shape == (1, len(CLASSES))
    assert logits.isfinite().all()


def test_logits_do_not_depend_on_the_batch(model: torch.nn.Module, spec: ModelSpec) -> None:
    """In eval mode."""
    batch = inputs(spec, 2, 96)
    with torch.inference_mode():
        torch.testing.assert_close(model(batch)[:1], model(batch[:1]), atol=1e-4, rtol=1e-4)


def test_every_parameter_gets_a_gradient(model: torch.nn.Module, spec: ModelSpec) -> None:
    """In one backward pass at 80 px.

    With three images: batch normalisation over two maps of 1x1 always gives plus and minus 1.
    """
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # timm starts residual branches at zero
            torch.nn.init.ones_(module.weight)
    model.train()(inputs(spec, 3, 80)).square().sum().backward()
    missing = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    model.zero_grad(set_to_none=True)
    assert missing == []


@pytest.mark.parametrize("spec", READ_IMAGES, indirect=True)
def test_the_gradcam_layer_is_fine_enough(model: torch.nn.Module, spec: ModelSpec) -> None:
    """Its maps are 6x6 at least at the model's size, and 4x4 at 96 px."""
    for size, minimum in {96: 4, spec.input_size: 6}.items():
        images = inputs(spec, 1, size)
        result = gradcam(model, spec.gradcam_layer, images, torch.tensor([1]))
        assert result.map_size >= (minimum, minimum), size
        assert result.maps.shape == (1, size, size)


def test_a_saved_model_is_loaded(model: torch.nn.Module, spec: ModelSpec, tmp_path: Path) -> None:
    """Tensors, classes, preprocessing, layer and run."""
    path = tmp_path / "m.safetensors"
    save_model(path, TrainedModel(model, spec, CLASSES, 96, "run-1"))
    trained = load_model(path)
    assert (trained.spec, trained.classes, trained.image_size, trained.run) == (
        spec,
        CLASSES,
        96,
        "run-1",
    )
    assert not trained.model.training
    for name, tensor in load_file(path).items():
        assert torch.equal(trained.model.state_dict()[name], tensor), name


def test_the_head_is_the_layer_with_an_output_per_class(model: torch.nn.Module) -> None:
    """Pretrained weights do not replace it."""
    (name,) = head_names(model)
    assert model.get_submodule(name).out_features == len(CLASSES)


def test_the_manifest_has_the_number_of_parameters(spec: ModelSpec) -> None:
    """With 1000 classes, as published."""
    with torch.device("meta"):
        network = spec.build(1000)
    assert sum(p.numel() for p in network.parameters()) == spec.parameters
    assert spec.parameters == PUBLISHED.get(spec.name, spec.parameters)


@pytest.mark.parametrize("spec", ["resnet50", "inception_v3", "efficientnet_b0"], indirect=True)
def test_the_manifest_agrees_with_timm(spec: ModelSpec) -> None:
    """In mean, std and licence of the weights."""
    assert spec.weights is not None
    config = timm.get_pretrained_cfg(spec.weights.removeprefix("timm/"))
    assert (spec.mean, spec.std) == (config.mean, config.std)
    assert spec.licence.lower() == config.license
    assert spec.sha256 is not None and re.fullmatch("[0-9a-f]{64}", spec.sha256)


def test_custom_cnn_follows_the_paper() -> None:
    """Six 3x3 convolutions of 32 to 512, each normalised and pooled; five dense layers with L2."""
    network = custom_cnn.build(8)
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    assert [c.out_channels for c in convolutions] == [32, 64, 128, 256, 512, 512]
    assert {(c.kernel_size, c.stride) for c in convolutions} == {((3, 3), (1, 1))}
    for number in range(1, 7):
        block = network.get_submodule(f"block{number}")
        kinds = [type(layer).__name__ for layer in block]
        assert kinds == ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"]
        assert block.pool.kernel_size == 2
    kinds = [type(layer).__name__ for layer in network.dense]
    assert kinds == ["Linear", "ReLU"] * 5
    assert [m.out_features for m in network.dense if isinstance(m, torch.nn.Linear)] == [128] * 5
    assert network.weight_decay == {"dense": custom_cnn.L2}
    assert network.dropout.p == 0.25


def test_custom_cnn_has_the_parameters_counted_by_hand() -> None:
    """The number of parameters, layer by layer."""
    widths = [3, 32, 64, 128, 256, 512, 512]
    convolutions = sum(9 * a * b + 2 * b for a, b in pairwise(widths))
    dense = (512 * 128 + 128) + 4 * (128 * 128 + 128) + (128 * 8 + 8)
    network = custom_cnn.build(8)
    assert sum(p.numel() for p in network.parameters()) == convolutions + dense


def test_stacker_follows_the_paper() -> None:
    """Three dense layers and an output; adding a constant to all logits has no effect."""
    network = stacker.build(4, bases=2).eval()
    layers = [m for m in network.modules() if isinstance(m, torch.nn.Linear)]
    assert [(m.in_features, m.out_features) for m in layers] == [
        (8, 128),
        (128, 128),
        (128, 128),
        (128, 4),
    ]
    logits = torch.randn(3, 2, 4)
    with torch.inference_mode():
        torch.testing.assert_close(network(logits), network(logits + 100), atol=1e-4, rtol=1e-4)


def test_the_page_agrees_with_the_manifest(spec: ModelSpec) -> None:
    """In parameters, size, layer and weights of every model (docs/zoo.md)."""
    page = (Path(__file__).parents[2] / "docs" / "zoo.md").read_text(encoding="utf-8")
    (line,) = [row for row in page.splitlines() if row.startswith(f"| `{spec.name}` |")]
    _, _, parameters, size, layer, weights, _ = (cell.strip(" `") for cell in line.split("|"))
    assert parameters == f"{spec.parameters:,}" and size == str(spec.input_size or "-")
    assert layer.split("`")[0] == (spec.gradcam_layer or "-")
    assert weights.split(":")[0] in ("none", spec.weights, (spec.weights or "").split("/")[-1])


def test_fiftyone_reads_the_same_manifest() -> None:
    """As a remote model source, with the same models."""
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
    # If it were named "bccurate", FiftyOne would replace the package in sys.modules.
    assert name == json.loads(MANIFEST.read_text())["name"] == "bccurate-zoo"
    assert models == [f"bccurate/{spec}" for spec in SPECS]


def test_importing_the_zoo_loads_no_torch() -> None:
    """Nor fiftyone: FiftyOne runs the folder's ``__init__`` on every listing."""
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[1]);"
        "sys.exit(any(name in sys.modules for name in ('torch', 'timm', 'fiftyone')))"
    )
    file = str(MANIFEST.with_name("__init__.py"))
    assert subprocess.run([sys.executable, "-c", code, file]).returncode == 0
