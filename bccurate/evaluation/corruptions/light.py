"""Change the light: brightness, contrast, stray light."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance

from bccurate.evaluation.corruptions.kind import IMAGENET_C, MEDMNIST_C, Corruption, to_bytes


def brightness(image: np.ndarray, factor: float, _draw: np.random.Generator) -> np.ndarray:
    """Multiply each value by ``factor``."""
    return np.asarray(ImageEnhance.Brightness(Image.fromarray(image)).enhance(factor))


def contrast(image: np.ndarray, factor: float, _draw: np.random.Generator) -> np.ndarray:
    """Multiply the distance of each value to the image's mean grey by ``factor``."""
    return np.asarray(ImageEnhance.Contrast(Image.fromarray(image)).enhance(factor))


def fog(image: np.ndarray, level: tuple[float, float], draw: np.random.Generator) -> np.ndarray:
    """Add light in clouds and scale back to the old maximum; ``level`` is (amount, decay).

    ImageNet-C's clouds are a plasma fractal; here they are octaves of noise with the same decay.
    """
    amount, decay = level
    brightest = np.float32(max(int(image.max()), 1))
    lit = image + np.float32(amount * 255) * _clouds(image.shape[:2], decay, draw)[..., None]
    return to_bytes(lit * (brightest / (brightest + np.float32(amount * 255))))


def _clouds(shape: tuple[int, int], decay: float, draw: np.random.Generator) -> np.ndarray:
    """Return noise float32 (H, W) from 0 to 1, each octave ``decay`` times weaker than the last."""
    height, width = shape
    total, cells, weight = np.zeros(shape, np.float32), 2, 1.0
    while cells <= max(2, min(shape)):
        grid = Image.fromarray(draw.random((cells, cells), dtype=np.float32))
        smooth = grid.resize((width, height), Image.Resampling.BICUBIC)
        total += np.float32(weight) * np.asarray(smooth)
        cells, weight = cells * 2, weight / decay
    low, high = float(total.min()), float(total.max())
    return (total - low) / (high - low) if high > low else np.full(shape, 0.5, np.float32)


CORRUPTIONS = (
    Corruption("brightness_up", "light", brightness, (1.1, 1.2, 1.3, 1.35, 1.4), MEDMNIST_C),
    Corruption("brightness_down", "light", brightness, (0.9, 0.8, 0.7, 0.6, 0.5), MEDMNIST_C),
    Corruption("contrast_up", "light", contrast, (1.1, 1.15, 1.2, 1.25, 1.3), MEDMNIST_C),
    Corruption("contrast_down", "light", contrast, (0.9, 0.8, 0.7, 0.6, 0.5), MEDMNIST_C),
    Corruption(
        "fog", "light", fog, ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)), IMAGENET_C
    ),
)
