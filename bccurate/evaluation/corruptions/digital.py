"""Digital: what storing an image does to it."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from bccurate.evaluation.corruptions.kind import MEDMNIST_C, Corruption


def pixelate(image: np.ndarray, factor: float, _draw: np.random.Generator) -> np.ndarray:
    """Made ``factor`` times as large by the mean of boxes, and large again by repeating pixels."""
    height, width, _ = image.shape
    small = (max(int(width * factor), 1), max(int(height * factor), 1))
    picture = Image.fromarray(image).resize(small, Image.Resampling.BOX)
    return np.asarray(picture.resize((width, height), Image.Resampling.NEAREST))


def jpeg_compression(image: np.ndarray, quality: int, _draw: np.random.Generator) -> np.ndarray:
    """Stored as JPEG of that quality (libjpeg's scale, 4:2:0), and read again."""
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    with Image.open(file) as picture:
        return np.asarray(picture.convert("RGB"))


CORRUPTIONS = (
    Corruption("pixelate", "digital", pixelate, (0.6, 0.5, 0.4, 0.3, 0.25), MEDMNIST_C),
    Corruption("jpeg_compression", "digital", jpeg_compression, (50, 30, 15, 10, 7), MEDMNIST_C),
)
