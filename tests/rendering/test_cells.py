"""The renderer: plausible cells, exact masks, no two alike."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest
from PIL import Image

from bccurate.errors import UsageError
from bccurate.rendering.cells import CLASSES, RECIPES, render_cell


@pytest.mark.parametrize("label", CLASSES)
def test_a_cell_is_darker_than_its_surroundings_and_lies_inside_the_picture(label: str) -> None:
    """Image and mask have the promised shapes, and the mask is where the cell is."""
    image, mask = render_cell(label, np.random.default_rng(1))
    assert image.shape == (96, 96, 3)
    assert image.dtype == np.uint8
    assert mask.shape == (96, 96)
    assert mask.dtype == bool
    assert 0.01 < mask.mean() < 0.8
    grey = image.mean(axis=2)
    assert grey[mask].mean() < grey[~mask].mean() - 15


@pytest.mark.parametrize("size", [32, 96, 200])
def test_the_same_generator_gives_the_same_pixels_at_every_size(size: int) -> None:
    """Rendering is deterministic by its generator."""
    one, other = (render_cell("monocyte", np.random.default_rng(4), size) for _ in range(2))
    assert one[0].shape == (size, size, 3)
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_the_mask_has_the_area_that_the_recipe_draws() -> None:
    """Over many platelets the mean area lies within what the radii allow."""
    low, high = RECIPES["platelet"].radius
    areas = [render_cell("platelet", np.random.default_rng(i))[1].mean() * 4 for i in range(40)]
    assert np.pi * low**2 < np.mean(areas) < np.pi * high**2


def test_no_two_renders_are_near_duplicates() -> None:
    """Among 400 renders no two phashes lie within Hamming distance 4."""
    hashes = np.array(
        [
            imagehash.phash(Image.fromarray(render_cell(label, np.random.default_rng([3, i]))[0]))
            .hash.ravel()
            .astype(np.int32)
            for i in range(50)
            for label in CLASSES
        ]
    )
    equal = hashes @ hashes.T + (1 - hashes) @ (1 - hashes).T
    distance = hashes.shape[1] - equal
    assert distance[np.triu_indices(len(hashes), 1)].min() > 4


def test_mean_colour_alone_does_not_tell_the_classes_apart() -> None:
    """The nearest class centre in mean colour is right for fewer than 7 of 10 cells."""
    colours = np.array(
        [
            [
                render_cell(label, np.random.default_rng([9, i]))[0].mean(axis=(0, 1))
                for i in range(30)
            ]
            for label in CLASSES
        ]
    )
    gaps = np.linalg.norm(colours[:, :, None] - colours.mean(axis=1)[None, None], axis=-1)
    right = gaps.argmin(axis=-1) == np.arange(len(CLASSES))[:, None]
    assert 0.25 < right.mean() < 0.7


def test_an_unknown_class_is_refused_with_the_nearest_name() -> None:
    """A typing error is answered with what was meant."""
    with pytest.raises(UsageError, match="monocyte"):
        render_cell("monocite", np.random.default_rng(0))
