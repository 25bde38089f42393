"""Blur images: out of focus, by motion, by a Gaussian.

Lengths are in pixels of a 224-pixel image and scale with the image.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import gaussian_filter

from bccurate.evaluation.corruptions.kind import (
    IMAGENET_C,
    MEDMNIST_C,
    Corruption,
    scale_of,
    to_bytes,
)

MAX_ANGLE = 45  # degrees between the motion and the rows, as in ImageNet-C


def defocus_blur(image: np.ndarray, radius: float, _draw: np.random.Generator) -> np.ndarray:
    """Convolve with a disk whose edge is one pixel wide, so that small radii have an effect."""
    radius = radius * scale_of(image)
    reach = math.ceil(radius)
    offsets = np.arange(-reach, reach + 1)
    distance = np.hypot(*np.meshgrid(offsets, offsets))
    weights = (radius + 0.5 - distance).clip(0, 1)
    taps = [(int(offsets[y]), int(offsets[x]), weights[y, x]) for y, x in np.argwhere(weights > 0)]
    return _spread(image, taps)


def motion_blur(
    image: np.ndarray, level: tuple[float, float], draw: np.random.Generator
) -> np.ndarray:
    """Convolve with half a Gaussian along a random line; ``level`` is its (radius, sigma).

    As ImageMagick: 2 radius + 1 taps at whole pixels.
    """
    radius, sigma = (length * scale_of(image) for length in level)
    angle = math.radians(draw.uniform(-MAX_ANGLE, MAX_ANGLE))
    steps = np.arange(math.ceil(2 * radius) + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    rows, columns = (
        np.rint(steps * slope).astype(int) for slope in (math.sin(angle), math.cos(angle))
    )
    return _spread(image, list(zip(rows.tolist(), columns.tolist(), weights, strict=True)))


def gaussian_blur(image: np.ndarray, sigma: float, _draw: np.random.Generator) -> np.ndarray:
    """Convolve with a Gaussian."""
    sigma = sigma * scale_of(image)
    return to_bytes(gaussian_filter(image.astype(np.float32), (sigma, sigma, 0), mode="reflect"))


def _spread(image: np.ndarray, taps: list[tuple[int, int, float]]) -> np.ndarray:
    """Return the weighted mean of copies shifted by (rows, columns); the border is mirrored."""
    reach = max(max(abs(row), abs(column)) for row, column, _ in taps)
    padded = np.pad(image, ((reach, reach), (reach, reach), (0, 0)), "symmetric").astype(np.float32)
    height, width, _ = image.shape
    total = np.float32(sum(weight for _, _, weight in taps))
    out = np.zeros(image.shape, np.float32)
    for row, column, weight in taps:
        top, left = reach + row, reach + column
        out += padded[top : top + height, left : left + width] * (np.float32(weight) / total)
    return to_bytes(out)


CORRUPTIONS = (
    Corruption("defocus_blur", "blur", defocus_blur, (2, 3, 4, 5, 6), MEDMNIST_C),
    Corruption(
        "motion_blur", "blur", motion_blur, ((3, 3), (5, 5), (10, 5), (10, 7), (10, 9)), MEDMNIST_C
    ),
    Corruption("gaussian_blur", "blur", gaussian_blur, (1, 2, 3, 4, 6), IMAGENET_C),
)
