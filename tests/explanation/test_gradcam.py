"""Grad-CAM equals Captum with the paper's ReLU and leaves the model unchanged."""

from collections import OrderedDict

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from captum.attr import LayerGradCam
from torch import nn

from bccurate.errors import UsageError
from bccurate.explanation.gradcam import gradcam
from bccurate.learning.registry import find_model


def tiny() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(3, 4, 3, stride=2, padding=1),
            relu=nn.ReLU(inplace=True),
            drop=nn.Dropout(0.5),
            pool=nn.AdaptiveAvgPool2d(1),
            flat=nn.Flatten(),
            head=nn.Linear(4, 3),
        )
    )


MODELS = ["custom_cnn", "resnet50", "inception_v3", "efficientnet_b0", "nasnet_mobile"]


@pytest.mark.parametrize("name", MODELS)
def test_maps_equal_a_direct_call_of_captum(name: str) -> None:
    """To 1e-6, raw and scaled, though in batches and with a graph that begins at the layer.

    In double precision, so that the order of sums does not matter.
    """
    torch.manual_seed(0)
    spec = find_model(name)
    model = spec.build(3).eval().double()
    size = 96 if name == "inception_v3" else 64
    inputs, targets = torch.randn(2, 3, size, size).double(), torch.tensor([0, 2])
    layer = model.get_submodule(spec.gradcam_layer)
    signed = LayerGradCam(model, layer).attribute(inputs, targets).detach()
    result = gradcam(model, spec.gradcam_layer, inputs, targets, batch_size=1, keep_raw=True)
    assert result.map_size == tuple(signed.shape[2:]) and min(result.map_size) >= 2
    np.testing.assert_allclose(result.raw, signed[:, 0].numpy(), rtol=1e-6, atol=1e-9)
    cams = F.interpolate(signed.relu(), (size, size), mode="bilinear")[:, 0]
    peaks = cams.amax((1, 2), keepdim=True)
    expected = torch.where(peaks > 0, cams / peaks, 0).numpy()
    np.testing.assert_allclose(result.maps, expected, atol=1e-6)


def test_a_map_by_hand() -> None:
    """One channel copied through a unit head: the map is that channel, scaled to 1."""
    model = nn.Sequential(nn.Conv2d(3, 1, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    model[0].weight.data = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    image = torch.zeros(2, 3, 2, 2)
    image[0, 0] = torch.tensor([[0.0, 1.0], [2.0, -4.0]])
    image[1, 0] = -1.0  # no positive evidence
    found = gradcam(model, "0", image, torch.tensor([0, 0]), keep_raw=True)
    assert found.maps[0].tolist() == [[0.0, 0.5], [1.0, 0.0]]
    assert not found.maps[1].any()
    # a quarter of the channel: the mean over four pixels has weights of 1/4; the sign is kept
    assert found.raw is not None and found.raw[0].tolist() == [[0.0, 0.25], [0.5, -1.0]]
    assert gradcam(model, "0", image, torch.tensor([0, 0])).raw is None


def test_the_model_is_unchanged_afterwards() -> None:
    """Modes, frozen parameters, in-place activations, gradients and hooks."""
    model = tiny().train()
    model.drop.eval()
    model.conv.bias.requires_grad_(False)
    gradcam(model, "conv", torch.randn(2, 3, 8, 8), torch.tensor([0, 1]))
    assert model.training and not model.drop.training and model.relu.inplace
    needed = {name: p.requires_grad for name, p in model.named_parameters()}
    assert needed.pop("conv.bias") is False and all(needed.values())
    assert all(p.grad is None for p in model.parameters())
    assert not any(m._forward_hooks for m in model.modules())


def test_an_in_place_activation_does_not_change_the_map() -> None:
    """That of the convolution before it."""
    model, inputs = tiny(), torch.randn(2, 3, 8, 8)
    plain = tiny()
    plain.relu.inplace = False
    targets = torch.tensor([0, 1])
    one, other = (gradcam(m, "conv", inputs, targets).maps for m in (model, plain))
    assert (one == other).all() and one.any()


@pytest.mark.parametrize(
    ("layer", "message"),
    [("conw", "Did you mean conv"), ("pool", "larger --image-size"), ("head", "needs maps")],
)
def test_an_unsuitable_layer_is_refused(layer: str, message: str) -> None:
    """An unknown layer, a 1x1 map and a layer without maps; the error says what to do."""
    with pytest.raises(UsageError, match=message):
        gradcam(tiny(), layer, torch.randn(1, 3, 8, 8), torch.tensor([0]))
