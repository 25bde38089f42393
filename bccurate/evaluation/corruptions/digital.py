"""Degrade images as storage does: low resolution and JPEG compression."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from bccurate.evaluation.corruptions.kind import MEDMNIST_C, Corruption


def pixelate(image: np.ndarray, factor: float, _draw: np.random.Generator) -> np.ndarray:
    """Scale by ``factor`` (box mean), then back to the old size by repeating pixels."""
    height, width, _ = image.shape
    small = (max(int(width * factor), 1), max(int(height * factor), 1))
    pixels = Image.fromarray(image).resize(small, Image.Resampling.BOX)
    return np.asarray(pixels.resize((width, height), Image.Resampling.NEAREST))


def jpeg_compression(image: np.ndarray, quality: int, _draw: np.random.Generator) -> np.ndarray:
    """Compress as JPEG of that quality (libjpeg's scale, 4:2:0) and decode again."""
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    with Image.open(file) as decoded:
        return np.asarray(decoded.convert("RGB"))


CORRUPTIONS = (
    Corruption("pixelate", "digital", pixelate, (0.6, 0.5, 0.4, 0.3, 0.25), MEDMNIST_C),
    Corruption("jpeg_compression", "digital", jpeg_compression, (50, 30, 15, 10, 7), MEDMNIST_C),
)
