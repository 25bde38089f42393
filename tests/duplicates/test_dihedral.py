"""Hashes of rotated and flipped images, from the DCT of the original."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest
from PIL import Image

from bccurate.duplicates.dihedral import ROTATIONS, rotated_hashes
from bccurate.duplicates.registration import rotated
from bccurate.images.thumbnail import thumbnail
from bccurate.rendering.cells import CLASSES, render_cell

THUMBS = np.stack(
    [
        thumbnail(
            Image.fromarray(render_cell(CLASSES[k % 8], np.random.default_rng(k))[0]).convert("L")
        )
        for k in range(24)
    ]
)


@pytest.mark.parametrize("kernel", [True, False])
@pytest.mark.parametrize("rotation", range(8))
def test_each_rotation_has_the_hash_of_the_rotated_image(rotation: int, kernel: bool) -> None:
    """Bit for bit, on 24 rendered cells, compiled and in numpy."""
    expected = [
        int(str(imagehash.phash(Image.fromarray(np.ascontiguousarray(image)))), 16)
        for image in rotated(THUMBS, rotation)
    ]
    assert rotated_hashes(THUMBS, kernel)[rotation].tolist() == expected


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("as it is", [[1, 2], [3, 4]]),
        ("rotated by 90 degrees", [[2, 4], [1, 3]]),
        ("rotated by 180 degrees", [[4, 3], [2, 1]]),
        ("rotated by 270 degrees", [[3, 1], [4, 2]]),
        ("flipped left to right", [[2, 1], [4, 3]]),
        ("flipped about its diagonal", [[1, 3], [2, 4]]),
        ("flipped top to bottom", [[3, 4], [1, 2]]),
        ("flipped about its other diagonal", [[4, 2], [3, 1]]),
    ],
)
def test_the_names_say_what_a_rotation_does(name: str, image: list[list[int]]) -> None:
    """1 2 over 3 4, by hand; rotations go counter-clockwise."""
    square = np.array([[[1, 2], [3, 4]]], dtype=np.uint8)
    assert rotated(square, ROTATIONS.index(name)).tolist() == [image]


def test_no_images_have_no_hashes() -> None:
    """The smallest input."""
    assert rotated_hashes(THUMBS[:0]).shape == (8, 0)
