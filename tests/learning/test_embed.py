"""Features are the input of the last layer, for any network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from bccurate.curation.neighbours import neighbour_outliers
from bccurate.errors import UsageError
from bccurate.learning.checkpoint import TrainedModel
from bccurate.learning.data import to_inputs
from bccurate.learning.embed import classifier, embed
from bccurate.learning.registry import find_model
from bccurate.rendering.cells import render_cell


def _trained(name: str, size: int = 64) -> TrainedModel:
    torch.manual_seed(0)
    spec = find_model(name)
    return TrainedModel(spec.build(3).eval(), spec, ["a", "b", "c"], size, "run")


def _images(n: int, size: int = 64) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def test_features_are_those_of_timm() -> None:
    """For a timm network: forward_head(pre_logits=True), scaled to length 1."""
    trained = _trained("timm:resnet18")
    images = _images(5)
    with torch.inference_mode():
        inputs = to_inputs(images, trained.spec)
        maps = trained.model.forward_features(inputs)
        expected = trained.model.forward_head(maps, pre_logits=True).numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = embed(trained, images, batch_size=2, device="cpu")
    assert found.shape == (5, 512) and found.dtype == np.float32
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "layer"),
    [("custom_cnn", "head"), ("resnet50", "fc"), ("timm:mobilenetv3_small_050", "classifier")],
)
def test_the_last_layer_is_found_under_any_name(name: str, layer: str) -> None:
    """No hook is left behind."""
    trained = _trained(name)
    assert classifier(trained) is trained.model.get_submodule(layer)
    embed(trained, _images(1), device="cpu")
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in trained.model.modules())


def test_a_convolution_may_be_the_last_layer() -> None:
    """A 1x1 convolution on the averaged map."""
    model = nn.Sequential(nn.Conv2d(3, 7, 3), nn.AdaptiveAvgPool2d(1), nn.Conv2d(7, 3, 1))
    model.append(nn.Flatten())
    trained = TrainedModel(model.eval(), find_model("custom_cnn"), ["a", "b", "c"], 16, "run")
    assert classifier(trained) is model[2]
    assert embed(trained, _images(2, 16), device="cpu").shape == (2, 7)


def test_a_network_without_such_a_layer_is_refused() -> None:
    """Here an activation follows the last layer; the message names the model."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 3), nn.Softplus())
    trained = TrainedModel(model.eval(), find_model("custom_cnn"), ["a", "b", "c"], 8, "run")
    with pytest.raises(UsageError, match="custom_cnn"):
        embed(trained, _images(1, 8), device="cpu")


def test_stripes_score_above_cells() -> None:
    """An untrained network separates stripes from cells: all five rank before all cells."""
    rng = np.random.default_rng(3)
    cells = np.stack([render_cell("lymphocyte", rng)[0][:64, :64] for _ in range(40)])
    stripes = np.zeros((5, 64, 64, 3), np.uint8)
    for i, image in enumerate(stripes):
        image[:, :: i + 2] = (250, 40 * i, 20)
    features = embed(_trained("timm:resnet18"), np.concatenate([cells, stripes]), device="cpu")
    scores, _ = neighbour_outliers(features, ["a"] * 45, np.ones(45, dtype=bool))
    assert scores[40:].min() > scores[:40].max() and (scores[40:] > 0.5).all()
