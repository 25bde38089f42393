"""Add sensor noise, independent in each value of each channel."""

from __future__ import annotations

import numpy as np

from bccurate.evaluation.corruptions.kind import IMAGENET_C, Corruption, to_bytes


def gaussian_noise(image: np.ndarray, sigma: float, draw: np.random.Generator) -> np.ndarray:
    """Add normal noise; ``sigma`` is a fraction of the range 0 to 255."""
    noise = draw.standard_normal(image.shape, dtype=np.float32)
    return to_bytes(image + noise * np.float32(sigma * 255))


def shot_noise(image: np.ndarray, photons: float, draw: np.random.Generator) -> np.ndarray:
    """Replace values by counts of a Poisson process, on average ``photons`` for a white pixel."""
    return to_bytes(draw.poisson(image / 255 * photons) / photons * 255)


def impulse_noise(image: np.ndarray, share: float, draw: np.random.Generator) -> np.ndarray:
    """Set ``share`` of the values to 0 or 255, half each (salt and pepper)."""
    chance = draw.random(image.shape, dtype=np.float32)
    out = image.copy()
    out[chance < share] = 255
    out[chance < share / 2] = 0
    return out


CORRUPTIONS = (
    Corruption(
        "gaussian_noise", "noise", gaussian_noise, (0.08, 0.12, 0.18, 0.26, 0.38), IMAGENET_C
    ),
    Corruption("shot_noise", "noise", shot_noise, (60, 25, 12, 5, 3), IMAGENET_C),
    Corruption("impulse_noise", "noise", impulse_noise, (0.03, 0.06, 0.09, 0.17, 0.27), IMAGENET_C),
)
