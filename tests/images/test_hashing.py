"""Hashes are imagehash's, bit for bit."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest
from PIL import Image

from bccurate.images.hashing import METHODS, hash_pixels, sharpness, to_uint64

REFERENCE = {
    "phash": imagehash.phash,
    "dhash": imagehash.dhash,
    "ahash": imagehash.average_hash,
    "whash": imagehash.whash,
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(96, 96, 3), (31, 57, 3), (8, 8, 3), (1, 1, 3), (3, 200, 3)])
def test_every_method_is_the_library_s(method: str, shape) -> None:
    """16 digits, equal to imagehash, on noise of any shape."""
    rgb = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert hash_pixels(rgb, method) == str(REFERENCE[method](Image.fromarray(rgb)))
    assert len(hash_pixels(rgb, method)) == 16


def test_hexadecimal_to_numbers_keeps_all_64_bits() -> None:
    """The largest hash does not overflow."""
    assert to_uint64(["0" * 16, "f" * 16, "8" + "0" * 15]).tolist() == [0, 2**64 - 1, 2**63]
    assert to_uint64([]).dtype == np.uint64


def test_sharpness_by_hand() -> None:
    """One bright pixel in 5x5: Laplacian -4a once, a four times, 0 four times of nine."""
    grey = np.zeros((5, 5), dtype=np.uint8)
    grey[2, 2] = 9
    values = np.array([-36.0] + 4 * [9.0] + 4 * [0.0])
    assert sharpness(grey) == pytest.approx(values.var())
    assert sharpness(np.full((5, 5), 200, dtype=np.uint8)) == 0
    assert sharpness(grey[:2]) == 0
