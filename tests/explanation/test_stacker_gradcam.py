"""The map of a stacker is Grad-CAM of its own logit."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from test_gradcam import tiny
from torch import nn

from bccurate.explanation.stacker_gradcam import Branch, StackMap, logit_derivatives
from bccurate.learning.registry import find_model

SIZE = (16, 16)


def _bases() -> list[nn.Module]:
    models = []
    for seed in range(3):  # two folds of the first base, one network of the second
        model = tiny().eval()
        generator = torch.Generator().manual_seed(seed)
        for parameter in model.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)
        models.append(model)
    return models


def test_the_map_equals_autograd_through_all_networks() -> None:
    """With weights from derivatives of the stacker's logit by the layers' maps: to 1e-5."""
    torch.manual_seed(4)
    one, two, other = _bases()
    stacker = find_model("stacker").build(3, bases=2).eval()
    temperatures = torch.tensor([0.7, 2.0])
    images, targets = torch.randn(5, 3, *SIZE), torch.tensor([0, 1, 2, 0, 1])
    maps: list[torch.Tensor] = []

    def logits_and_map(model: nn.Module) -> torch.Tensor:
        features = model.conv(images).detach().requires_grad_()
        maps.append(features)
        return model.head(model.flat(model.pool(F.relu(features))))

    first = (logits_and_map(one) + logits_and_map(two)) / 2
    logits = torch.stack([first, logits_and_map(other)], dim=1)
    score = stacker(logits / temperatures[:, None]).gather(1, targets[:, None]).sum()
    total = torch.zeros(5, *SIZE)
    for features, gradient in zip(maps, torch.autograd.grad(score, maps), strict=True):
        cam = (gradient.mean((2, 3), keepdim=True) * features).sum(1, keepdim=True)
        total += F.interpolate(cam, SIZE, mode="bilinear", align_corners=False)[:, 0].detach()
    expected = total.relu()
    expected /= expected.amax((1, 2), keepdim=True)

    derivatives = logit_derivatives(stacker, logits, temperatures, targets)
    found = StackMap(5, SIZE, 2)
    half, whole = torch.full((5,), 0.5), torch.ones(5)
    for model in (one, two):
        assert found.add(0, Branch(model, "conv", images, half), derivatives[:, 0]) == (8, 8)
    found.add(1, Branch(other, "conv", images, whole), derivatives[:, 1])
    assert torch.allclose(torch.from_numpy(found.maps()), expected, atol=1e-5)
    assert expected.sum((1, 2)).min() > 0
    shares = torch.from_numpy(found.shares())
    assert torch.allclose(shares.sum(1), torch.ones(5)) and shares.min() >= 0


def test_a_base_that_the_stacker_ignores_has_no_share() -> None:
    """Its derivative is zero, and so is its map, whatever its confidence."""
    torch.manual_seed(1)
    one, _, other = _bases()
    images = torch.randn(4, 3, *SIZE)
    derivatives = torch.randn(4, 2, 3)
    derivatives[:, 1] = 0
    found = StackMap(4, SIZE, 2)
    for base, model in enumerate((one, other)):
        found.add(base, Branch(model, "conv", images, torch.ones(4)), derivatives[:, base])
    assert (found.shares()[:, 1] == 0).all()
