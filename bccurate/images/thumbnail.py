"""Make the 32x32 grey thumbnails by which near duplicates are compared, and store them as text."""

from __future__ import annotations

import binascii
from collections.abc import Sequence

import numpy as np
from PIL import Image

SIDE = 32


def thumbnail(grey: Image.Image) -> np.ndarray:
    """Shrink a grey image of any size to (32, 32) uint8."""
    return np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BOX))


def to_text(thumb: np.ndarray) -> str:
    """Encode a (32, 32) uint8 thumbnail as base64, for a string field."""
    return binascii.b2a_base64(thumb.tobytes(), newline=False).decode("ascii")


def from_text(texts: Sequence[str]) -> np.ndarray:
    """Decode the texts of ``to_text`` to (N, 32, 32) uint8."""
    data = b"".join(map(binascii.a2b_base64, texts))
    return np.frombuffer(data, dtype=np.uint8).reshape(-1, SIDE, SIDE)


def resize(image: np.ndarray, size: int) -> np.ndarray:
    """Return uint8 (H, W, 3) as (size, size, 3) by antialiased bicubic interpolation."""
    if image.shape[:2] == (size, size):
        return image
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC))
