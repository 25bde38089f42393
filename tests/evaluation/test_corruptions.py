"""Corruptions are reproducible, grow with severity and take images of any shape."""

from __future__ import annotations

import ast
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bccurate.evaluation.corruptions as package
from bccurate.errors import InputError, UsageError
from bccurate.evaluation.corruptions import blur, colour, occlusion, suite
from bccurate.evaluation.corruptions.kind import Corruption
from bccurate.evaluation.corruptions.suite import (
    COMBINED,
    FAMILIES,
    SEVERITIES,
    SUITE,
    content_seeds,
    corrupt,
)
from bccurate.rendering.cells import CLASSES, render_cell

NAMES = [*SUITE, COMBINED.name]
# How much the distance may fall in a step, as a share of that at severity 5: beyond 45 degrees a
# round cell changes no more, only the corners do; the paper's fog changes its grain.
TOLERANCE = {"rotation": 0.2, "fog": 0.1}


def _draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def cells() -> np.ndarray:
    """Rendered cells, uint8 (24, 96, 96, 3)."""
    return np.stack([render_cell(CLASSES[i % 8], _draw(i))[0] for i in range(24)])


def _one(name: str, image: np.ndarray, severity: int, seed: int = 0) -> np.ndarray:
    return corrupt(name, image[None], severity, np.array([seed]))[0]


def test_the_suite_has_27_corruptions_in_seven_families():
    """With five levels and a source each."""
    assert len(SUITE) == 27
    assert FAMILIES == ("noise", "blur", "light", "colour", "geometric", "occlusion", "digital")
    assert all(len(c.levels) == 5 and c.source for c in SUITE.values())


@pytest.mark.parametrize("name", NAMES)
def test_order_and_batch_change_nothing(name, cells):
    """Reversed, one by one, and again: the same bytes; the input is unchanged."""
    few, before = cells[:5], cells[:5].copy()
    whole = corrupt(name, few, 3)
    assert whole.dtype == np.uint8 and whole.shape == few.shape
    assert np.array_equal(corrupt(name, few[::-1], 3)[::-1], whole)
    assert np.array_equal(
        np.concatenate([corrupt(name, few[i : i + 1], 3) for i in range(5)]), whole
    )
    assert np.array_equal(few, before)
    assert (whole != few).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_effect_grows_with_severity(name, cells):
    """By mean distance to the clean cells."""
    distance = [np.abs(corrupt(name, cells, s).astype(float) - cells).mean() for s in SEVERITIES]
    steps = np.diff(distance)
    assert distance[4] > distance[0]
    assert (steps > -TOLERANCE.get(name, 0) * distance[4]).all(), distance


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 2), (500, 37)])
def test_images_may_have_any_shape(name, shape):
    """One pixel, a line and a strip too."""
    images = _draw().integers(0, 256, (2, *shape, 3), dtype=np.uint8)
    for severity in (1, 5):
        assert corrupt(name, images, severity).shape == images.shape


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0, 255])
def test_images_may_be_uniform(name, value):
    """All black or all white."""
    images = np.full((1, 16, 16, 3), value, np.uint8)
    assert corrupt(name, images, 5).shape == images.shape


def test_draws_depend_on_content_severity_and_name():
    """Equal pixels have equal seeds, and the same seed draws other numbers for another severity."""
    grey = np.full((1, 32, 32, 3), 128, np.uint8)
    seeds = content_seeds(np.concatenate([grey, grey, grey + 1]))
    assert seeds[0] == seeds[1] != seeds[2]
    salt = [_one("impulse_noise", grey[0], s) == 255 for s in (4, 5)]
    assert (salt[0] & ~salt[1]).any()  # with equal draws the first would be a subset of the second


def test_combined_corruptions_are_of_three_families(monkeypatch):
    """With one bit per family as its suite, each image has three bits, and all seven occur."""

    def bit(number: int) -> Corruption:
        name = FAMILIES[number]
        return Corruption(name, name, lambda image, _, draw: image + (1 << number), SEVERITIES, "")

    monkeypatch.setattr(suite, "SUITE", {str(n): bit(n) for n in range(len(FAMILIES))})
    images = np.zeros((40, 1, 1, 3), np.uint8)
    found = corrupt("combined", images, 2, np.arange(40))[:, 0, 0, 0]
    assert {int(value).bit_count() for value in found} == {3}
    assert np.bitwise_or.reduce(found) == 0b1111111


def test_no_code_is_shared_with_augmentation():
    """No module of the suite imports it, torch or a global generator."""
    for file in Path(package.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [
                n for n in names if "augmentation" in n or n.split(".")[0] in ("torch", "random")
            ]


def test_brightness_by_hand():
    """100 times 1.4 is 140, 200 times 1.4 is clipped; half of 100 is 50."""
    image = np.array([[[100, 200, 0]]], np.uint8)
    assert _one("brightness_up", image, 5).tolist() == [[[140, 255, 0]]]
    assert _one("brightness_down", image, 5).tolist() == [[[50, 100, 0]]]


def test_contrast_by_hand():
    """Of grey 50 and 150 the mean is 100: half the contrast leaves 75 and 125."""
    image = np.repeat(np.array([[50, 150]], np.uint8)[..., None], 3, axis=2)
    assert _one("contrast_down", image, 5)[0, :, 0].tolist() == [75, 125]


def test_pixelate_by_hand():
    """At a quarter, each 4 x 4 block becomes its mean (Pillow rounds twice)."""
    image = _draw().integers(0, 256, (8, 8, 3), dtype=np.uint8)
    blocks = image.reshape(2, 4, 2, 4, 3).mean(axis=(1, 3))
    found = _one("pixelate", image, 5)
    assert np.abs(found - blocks.repeat(4, axis=0).repeat(4, axis=1)).max() < 1


def test_channel_shuffle_by_hand():
    """At severity 5 values are in one of the five other orders; at 1 a fifth of the way there."""
    image = np.array([[[10, 110, 210]]], np.uint8)
    found = {tuple(_one("channel_shuffle", image, 5, seed)[0, 0]) for seed in range(60)}
    assert found == {tuple(image[0, 0, list(order)]) for order in colour.ORDERS}
    mixed = {tuple(_one("channel_shuffle", image, 1, seed)[0, 0]) for seed in range(60)}
    assert (30, 90, 210) in mixed  # 0.8 x 10 + 0.2 x 110, and vice versa


def test_cutout_by_hand():
    """A black square of 0.6 of the side, clipped at the border."""
    white = np.full((100, 100, 3), 255, np.uint8)
    areas = [int((_one("cutout", white, 5, seed)[..., 0] == 0).sum()) for seed in range(40)]
    assert max(areas) == 60 * 60 and min(areas) >= 30 * 30
    assert set(np.unique(_one("cutout", white, 5))) == {0, 255}


def test_grid_mask_by_hand():
    """Squares of half a cell's side cover a quarter."""
    white = np.full((80, 80, 3), 255, np.uint8)
    assert (occlusion.grid_mask(white, 0.5, _draw()) == 0).mean() == pytest.approx(0.25)


def test_grey_is_the_luma_of_pillow(cells):
    """At severity 5 all three channels are Pillow's L."""
    luma = np.asarray(Image.fromarray(cells[0]).convert("L"))
    assert np.array_equal(_one("grey", cells[0], 5), np.stack([luma] * 3, axis=-1))


def test_jpeg_is_that_of_pillow(cells):
    """At quality 7."""
    file = io.BytesIO()
    Image.fromarray(cells[0]).save(file, "JPEG", quality=7)
    assert np.array_equal(_one("jpeg_compression", cells[0], 5), np.asarray(Image.open(file)))


def test_half_a_colour_circle_maps_red_to_cyan():
    """The complement of pure red."""
    red = np.array([[[255, 0, 0]]], np.uint8)
    assert np.abs(_one("hue_shift", red, 5).astype(int) - [0, 255, 255]).max() <= 6


def test_a_stain_shift_of_zero_changes_nothing(cells):
    """Separating and recombining the stains gives the same image, bit for bit."""
    assert np.array_equal(colour.stain_shift(cells[0], 0.0, _draw()), cells[0])


def test_noise_has_the_stated_size():
    """On grey: the deviation of Gaussian and Poisson noise, the shares of salt and pepper."""
    grey = np.full((200, 200, 3), 128, np.uint8)
    assert _one("gaussian_noise", grey, 1).std() == pytest.approx(0.08 * 255, rel=0.02)
    noisy = _one("impulse_noise", grey, 5)
    assert (noisy == 0).mean() == pytest.approx(0.135, rel=0.05)
    assert (noisy == 255).mean() == pytest.approx(0.135, rel=0.05)
    assert _one("shot_noise", grey, 1).std() == pytest.approx(
        255 * (128 / 255 / 60) ** 0.5, rel=0.02
    )


def test_a_point_is_blurred_to_a_disk_or_a_trail():
    """A disk of radius 6 with its soft edge; a trail of 21 points that begins at the point."""
    point = np.zeros((224, 224, 3), np.uint8)
    point[112, 112] = 255
    disk = blur.defocus_blur(point, 6, _draw())
    rows, columns = np.nonzero(disk[..., 0])
    assert np.hypot(rows - 112, columns - 112).max() <= 6.5
    assert len(rows) == pytest.approx(np.pi * 6**2, rel=0.15)
    trail = blur.motion_blur(point, (10, 9), _draw())[..., 0]
    rows, columns = np.nonzero(trail)
    assert len(rows) == 21 and trail[112, 112] == trail.max()


def test_a_rotation_by_90_degrees_is_that_of_numpy():
    """So the centre of rotation is the centre of the image."""
    from bccurate.evaluation.corruptions import geometric

    class Fixed:
        """Draws 90 degrees, and the mirrored border."""

        uniform = staticmethod(lambda low, high: 90)
        integers = staticmethod(lambda n: 0)

    image = _draw().integers(0, 256, (8, 8, 3), dtype=np.uint8)
    found = geometric.rotation(image, 180, Fixed())
    assert np.array_equal(found, np.rot90(image)) or np.array_equal(found, np.rot90(image, -1))


def test_invalid_arguments_are_refused():
    """Unknown names, with a suggestion, severities, types and numbers of seeds."""
    images = np.zeros((2, 4, 4, 3), np.uint8)
    with pytest.raises(UsageError, match="Did you mean motion_blur"):
        corrupt("motion_blurr", images, 1)
    with pytest.raises(UsageError, match="severity 6"):
        corrupt("fog", images, 6)
    for bad in (images.astype(float), images[0], images[..., :1], images[:, :0]):
        with pytest.raises(InputError, match="not uint8"):
            corrupt("fog", bad, 1)
    with pytest.raises(InputError, match="3 seeds for 2"):
        corrupt("fog", images, 1, np.arange(3))
    assert corrupt("fog", images[:0], 1).shape == (0, 4, 4, 3)
