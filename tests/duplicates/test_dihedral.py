"""The hash of a turned picture, from the DCT of the upright one."""

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
@pytest.mark.parametrize("turn", range(8))
def test_each_turn_hashes_as_imagehash_hashes_the_turned_picture(turn: int, kernel: bool) -> None:
    """Bit for bit, on 24 rendered cells, compiled and in numpy."""
    expected = [
        int(str(imagehash.phash(Image.fromarray(np.ascontiguousarray(picture)))), 16)
        for picture in rotated(THUMBS, turn)
    ]
    assert rotated_hashes(THUMBS, kernel)[turn].tolist() == expected


@pytest.mark.parametrize(
    ("name", "picture"),
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
def test_the_names_say_what_a_turn_does(name: str, picture: list[list[int]]) -> None:
    """1 2 over 3 4, by hand; rotations go counter-clockwise."""
    square = np.array([[[1, 2], [3, 4]]], dtype=np.uint8)
    assert rotated(square, ROTATIONS.index(name)).tolist() == [picture]


def test_no_pictures_have_no_hashes() -> None:
    """The smallest input."""
    assert rotated_hashes(THUMBS[:0]).shape == (8, 0)
