"""The steps of ``smear`` have the values calculated by hand, by scikit-image and by scipy."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.color import hed_from_rgb, rgb_from_hed

from bccurate.augmentation import occlusion, recolour
from bccurate.augmentation.blur import gaussian_blur
from bccurate.augmentation.draws import Draws
from bccurate.augmentation.noise import add_windowed_noise_
from bccurate.augmentation.smear import SETTINGS, smear

RNG = np.random.default_rng(9)
PIXELS = torch.from_numpy(RNG.integers(1, 256, (2, 3, 20, 20)).astype(np.float32))
NOTHING = replace(
    SETTINGS, affine=0, stain=0, hue=0, saturation=0, brightness=0, contrast=0, gain=0, swap=0,
    blur=0, cutout=0, grid=0, noise=0,
)  # fmt: skip


def test_without_steps_images_are_rotated_or_flipped() -> None:
    """By all eight symmetries of the square, pixel for pixel."""
    image = PIXELS[:1].to(torch.uint8)
    out = smear(image.expand(64, -1, -1, -1), Draws(torch.arange(64)), NOTHING)
    symmetric = [
        x.rot90(k, (2, 3)).numpy().tobytes() for x in (image, image.flip(3)) for k in range(4)
    ]
    assert {x.numpy().tobytes() for x in out} == set(symmetric)


@pytest.mark.parametrize(
    "step", ["affine", "stain", "hue", "saturation", "brightness", "contrast", "gain", "swap",
             "blur", "cutout", "grid", "noise"]
)  # fmt: skip
def test_each_step_changes_images(step: str) -> None:
    """Probability 1 changes most images."""
    image = torch.from_numpy(RNG.integers(0, 256, (1, 3, 96, 96), dtype=np.uint8))
    image = image.expand(64, -1, -1, -1)
    plain = smear(image, Draws(torch.arange(64)), NOTHING)
    out = smear(image, Draws(torch.arange(64)), replace(NOTHING, **{step: 1.0}))
    assert sum(not torch.equal(a, b) for a, b in zip(plain, out, strict=True)) >= 50


def test_stains_are_those_of_scikit_image() -> None:
    """Its matrices; no jitter changes nothing; double density is the square of the light."""
    assert np.array_equal(recolour.RGB_FROM_HED, rgb_from_hed)
    assert np.allclose(recolour.HED_FROM_RGB, hed_from_rgb)
    ones, zeros = np.ones((2, 3)), np.zeros((2, 3))
    assert torch.allclose(recolour.stain(PIXELS, ones, zeros), PIXELS, atol=0.01)
    squared = (PIXELS / 255) ** 2 * 255
    assert torch.allclose(recolour.stain(PIXELS, 2 * ones, zeros), squared, atol=0.02)


def test_stain_jitter_follows_its_equation() -> None:
    """In numpy with scikit-image's matrices: each stain has its own factor and offset."""
    factors, offsets = RNG.uniform(0.8, 1.2, (2, 3)), RNG.uniform(-0.1, 0.1, (2, 3))
    density = -np.log(PIXELS.numpy().transpose(0, 2, 3, 1) / 255)
    stains = density @ hed_from_rgb * factors[:, None, None] + offsets[:, None, None]
    expected = (255 * np.exp(-stains @ rgb_from_hed)).clip(0, 255).transpose(0, 3, 1, 2)
    assert np.allclose(recolour.stain(PIXELS, factors, offsets).numpy(), expected, atol=0.02)


def test_hue_and_saturation_are_matrices() -> None:
    """A hue shift of 1/3 rotates the channels; grey is unchanged; saturation 0 is the luma."""
    assert np.allclose(recolour.hue(np.array([1 / 3]))[0] @ [1, 0, 0], [0, 1, 0])
    assert np.allclose(recolour.hue(np.array([0.1]))[0] @ [1, 1, 1], [1, 1, 1])
    assert np.allclose(recolour.saturation(np.zeros(1))[0] @ [0, 1, 0], 0.587)
    assert np.allclose(recolour.saturation(np.ones(1))[0], np.eye(3))


def test_linear_equals_einsum() -> None:
    """Plus the offset."""
    matrices, offsets = RNG.normal(size=(2, 3, 3)), RNG.normal(size=(2, 3))
    expected = np.einsum("nij,njhw->nihw", matrices, PIXELS.numpy()) + offsets[..., None, None]
    assert np.allclose(recolour.linear(PIXELS, matrices, offsets).numpy(), expected, atol=1e-3)


def test_blur_equals_scipy() -> None:
    """With two sigmas in a batch, and the same radius and border."""
    sigma = np.array([0.6, 1.4])
    out = gaussian_blur(PIXELS, sigma, max_sigma=2.0)
    for image, blurred, width in zip(PIXELS.numpy(), out.numpy(), sigma, strict=True):
        expected = gaussian_filter(image, (0, width, width), mode="mirror", radius=(0, 5, 5))
        assert np.allclose(blurred, expected, atol=1e-3)


def test_boxes_and_grids_cover_the_stated_area() -> None:
    """Half of the side from the centre is 10x10 of 20x20; the grid a quarter; 0 nothing."""
    half, none = np.array([0.5, 0.5]), np.array([0.5, 0])
    boxes = occlusion.boxes(PIXELS, (half, half), (none, half))
    assert boxes.sum((1, 2, 3)).tolist() == [100, 0]
    assert boxes[0, 0, 5:15, 5:15].min() == 1
    squares = occlusion.grid(PIXELS, np.full(2, 0.2), none, (np.zeros(2), np.zeros(2)))
    assert squares.sum((1, 2, 3)).tolist() == [100, 0]
    painted = PIXELS.clone()
    occlusion.paint_(painted, boxes, np.full((2, 3), 7.0))
    assert (painted[0, :, 5:15, 5:15] == 7).all()
    assert torch.equal(painted[0, :, :5], PIXELS[0, :, :5]) and torch.equal(painted[1], PIXELS[1])


def test_windowed_noise_has_the_given_deviation() -> None:
    """Sigma 0.2 is 51 grey levels; 0 is none; windows at other positions are uncorrelated."""
    pixels = torch.zeros(3, 3, 96, 96)
    add_windowed_noise_(pixels, np.array([0.2, 0, 0.2]), np.array([0.1, 0.1, 0.6]))
    assert abs(pixels[0].std() - 51) < 1 and abs(pixels[0].mean()) < 1
    assert pixels[1].abs().max() == 0
    assert abs(np.corrcoef(pixels[0].flatten(), pixels[2].flatten())[0, 1]) < 0.03
