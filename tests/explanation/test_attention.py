"""Attention on the cell: values by hand, planted shortcuts, and maps that depend on the weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from bccurate.explanation.attention import attention, summary
from bccurate.explanation.gradcam import gradcam
from bccurate.rendering.cells import render_cell

SIZE, TINTS = 32, ((-40, 0, 0), (0, 0, -40))


def test_energy_lift_and_hit_by_hand() -> None:
    """0.6 of the energy on a quarter of the image: a lift of 2.4; the maximum is on the cell."""
    heat = np.array([[0.6, 0.1], [0.2, 0.1]])
    found = attention(heat, np.array([[True, False], [False, False]]))
    assert found is not None and found.hit
    assert (found.energy, found.area, found.lift) == pytest.approx((0.6, 0.25, 2.4))
    missed = attention(heat, np.array([[False, False], [True, True]]))
    assert missed is not None and not missed.hit
    assert (missed.energy, missed.lift) == pytest.approx((0.3, 0.6))


def test_a_uniform_map_has_a_lift_of_1() -> None:
    """For cells of any size."""
    for rows in (1, 5, 9):
        found = attention(np.full((10, 10), 0.3), np.arange(100).reshape(10, 10) < 10 * rows)
        assert found is not None
        assert (found.energy, found.lift) == pytest.approx((rows / 10, 1.0))


def test_a_mask_is_resized_to_the_map() -> None:
    """A 4x4 mask for a 2x2 map: a map pixel counts by the share of it that is cell."""
    mask = np.zeros((4, 4), bool)
    mask[:2, :3] = True  # all of the first map pixel, half of the second
    found = attention(np.array([[0.5, 0.4], [0.1, 0.0]]), mask)
    assert found is not None
    assert (found.energy, found.area) == pytest.approx((0.5 + 0.4 / 2, 6 / 16))


def test_an_empty_map_or_mask_has_no_attention() -> None:
    """None, not 0."""
    assert attention(np.zeros((2, 2)), np.ones((2, 2), bool)) is None
    assert attention(np.ones((2, 2)), np.zeros((2, 2), bool)) is None


def test_summary_by_hand() -> None:
    """Mean energy, median lift, share of hits."""
    found = summary([0.2, 0.6, 0.7], [0.5, 2.0, 30.0], [True, False, True])
    assert found == pytest.approx({"n": 3, "attention": 0.5, "lift": 2.0, "pointing_game": 2 / 3})


@dataclass(frozen=True)
class Cells:
    """Rendered cells of two classes with their masks."""

    images: torch.Tensor
    masks: np.ndarray
    targets: torch.Tensor


def cells(n: int, seed: int, shortcut: bool) -> Cells:
    """Return cells whose class shows in the background's tint alone, or in the cell alone."""
    rng = np.random.default_rng(seed)
    images, masks = [], []
    for number in range(n):
        kind = rng.integers(2) if shortcut else number % 2
        rgb, mask = render_cell(("lymphocyte", "eosinophil")[kind], rng, SIZE)
        pixels = rgb.astype(np.float32)
        if shortcut:
            pixels[~mask] += TINTS[number % 2]
        images.append(pixels.clip(0, 255) / 255 - 0.5)
        masks.append(mask)
    stack = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
    return Cells(stack, np.stack(masks), torch.arange(n) % 2)


def network(seed: int = 0) -> nn.Sequential:
    """Return two convolutions: a pixel of the map depends on 5x5 pixels."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 2),
    )  # fmt: skip


def trained(data: Cells, steps: int = 80) -> nn.Sequential:
    model = network()
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(steps):
        rows = torch.randint(len(data.images), (32,))
        loss = nn.functional.cross_entropy(model(data.images[rows]), data.targets[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model.eval()


def maps_of(model: nn.Module, data: Cells) -> np.ndarray:
    return gradcam(model, "3", data.images, data.targets).maps


def mean_attention(maps: np.ndarray, data: Cells) -> float:
    found = [attention(heat, mask) for heat, mask in zip(maps, data.masks, strict=True)]
    seen = [one.energy for one in found if one is not None]
    assert len(seen) > len(found) / 4
    return float(np.mean(seen))


@pytest.fixture(scope="module")
def on_the_cell() -> tuple[nn.Sequential, Cells]:
    """A network trained on cells, and other cells."""
    return trained(cells(120, 1, shortcut=False)), cells(60, 2, shortcut=False)


def accuracy(model: nn.Module, data: Cells) -> float:
    with torch.no_grad():
        return float((model(data.images).argmax(1) == data.targets).float().mean())


def test_a_planted_shortcut_scores_low() -> None:
    """Trained on backgrounds, the network has less than 0.3 of the energy on the cell."""
    model, unseen = trained(cells(120, 1, shortcut=True)), cells(60, 2, shortcut=True)
    assert accuracy(model, unseen) > 0.95
    assert mean_attention(maps_of(model, unseen), unseen) < 0.3


def test_a_model_of_the_cell_scores_high(on_the_cell) -> None:
    """Trained on cells, the network has more than 0.7 of the energy on the cell."""
    model, unseen = on_the_cell
    assert accuracy(model, unseen) > 0.95
    assert mean_attention(maps_of(model, unseen), unseen) > 0.7


def shuffled(model: nn.Sequential, seed: int) -> nn.Sequential:
    """Return a network with the same weights in each layer, in another order."""
    torch.manual_seed(seed)
    other = network(seed)
    for weight, own in zip(other.parameters(), model.parameters(), strict=True):
        weight.data = own.data.flatten()[torch.randperm(own.numel())].view_as(own)
    return other.eval()


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Spearman's correlation, 0 for a uniform map."""
    return float(spearmanr(one.ravel(), other.ravel()).statistic) if np.ptp(other) > 0 else 0.0


def test_maps_depend_on_the_weights(on_the_cell) -> None:
    """With shuffled weights (Adebayo et al. 2018) maps differ, and less lies on the cell.

    https://arxiv.org/abs/1810.03292, section 3. A method that only finds edges would give the same
    maps for any weights. Means over ten orders, since a single one may resemble the trained one.
    """
    model, unseen = on_the_cell
    maps = maps_of(model, unseen)
    others = [maps_of(shuffled(model, seed), unseen) for seed in range(10)]
    similar = [
        rank_correlation(*pair) for other in others for pair in zip(maps, other, strict=True)
    ]
    assert abs(np.mean(similar)) < 0.35
    less = np.mean([mean_attention(other, unseen) for other in others if other.any()])
    assert less < mean_attention(maps, unseen) - 0.15
