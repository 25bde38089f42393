"""NASNet-A Mobile has the size, tensor names and outputs of the published network."""

import hashlib
from pathlib import Path

import pytest
import torch
from bccurate.zoo import nasnet_mobile
from nasnet_reference import logits

from bccurate.learning.pretrained import load_pretrained
from bccurate.learning.registry import find_model

# Of "name [shape]" lines of NASNetAMobile(1000).state_dict() in pretrainedmodels 0.7.4 (R. Cadene),
# the layout of nasnetamobile-7e03cead.pth.
PUBLIC_LAYOUT = "ddfd4b5163e8445eba5be420ceb7d84b71e3fb303b85c8ce2aacfcd51e12450f"
PARTS = ["conv0.conv", "conv0.bn", "last_linear"]
CELLS = [
    *("cell_stem_0", "cell_stem_1", "cell_0", "cell_1", "cell_2", "cell_3", "reduction_cell_0"),
    *("cell_6", "cell_7", "cell_8", "cell_9", "reduction_cell_1"),
    *("cell_12", "cell_13", "cell_14", "cell_15"),
]


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    """A network whose statistics and scales all differ, so that a mix-up changes the output."""
    torch.manual_seed(0)
    model = nasnet_mobile.build(1000).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, std=0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.1)
    return model


def test_the_number_of_parameters_is_that_published(network: torch.nn.Module) -> None:
    """5,289,978 with the 1000 classes of ImageNet, 4,241,434 with eight."""
    assert sum(p.numel() for p in network.parameters()) == 5_289_978
    assert sum(p.numel() for p in nasnet_mobile.build(8).parameters()) == 4_241_434


def test_tensor_names_are_those_of_the_public_checkpoint(network: torch.nn.Module) -> None:
    """Every name and shape, in order."""
    state = network.state_dict()
    lines = "\n".join(f"{name} {list(tensor.shape)}" for name, tensor in state.items())
    assert hashlib.sha256(lines.encode()).hexdigest() == PUBLIC_LAYOUT
    tops = [name.split(".") for name in state]
    assert {".".join(t[: 1 + (t[0] == "conv0")]) for t in tops} == {*PARTS, *CELLS}


@pytest.mark.parametrize("size", [(224, 224), (96, 96), (100, 75)])
def test_the_output_equals_the_reference(network: torch.nn.Module, size: tuple[int, int]) -> None:
    """Written from the paper's figure; for even and odd map sizes."""
    images = torch.randn(1, 3, *size)
    with torch.no_grad():
        ours, theirs = network(images), logits(images, network.state_dict())
    assert ours.std() > 0.05
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)


def test_padding_is_not_counted_in_averages() -> None:
    """The corner of a map of ones stays 1; with padding it would be 4/9."""
    for side in (4, 5):
        pooled = nasnet_mobile.AveragePool(3, 2)(torch.ones(1, 1, side, side))
        assert torch.equal(pooled, torch.ones(1, 1, (side + 1) // 2, (side + 1) // 2))


def test_a_file_with_the_public_names_is_loaded(network: torch.nn.Module, tmp_path: Path) -> None:
    """A .pth of 1000 classes loads into a model of 8, all but the last layer."""
    path = tmp_path / "nasnetmobile.pth.tar"
    torch.save(network.state_dict(), path)
    spec = find_model("nasnet_mobile")
    model = spec.build(8)
    load_pretrained(model, spec, str(path))
    for name, tensor in network.state_dict().items():
        if not name.startswith("last_linear") and not name.endswith("num_batches_tracked"):
            assert torch.equal(model.state_dict()[name], tensor), name
