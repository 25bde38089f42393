"""Change colours: stain, hue, saturation, order of the channels."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from PIL import Image, ImageEnhance

from bccurate.evaluation.corruptions.kind import MEDMNIST_C, Corruption, to_bytes

# Optical densities of haematoxylin, eosin and DAB in R, G, B: Ruifrok and Johnston 2001, table 1.
HED = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
HED_INVERSE = np.linalg.inv(HED)
ORDERS = [order for order in permutations(range(3)) if order != (0, 1, 2)]


def saturate(image: np.ndarray, amount: float, _draw: np.random.Generator) -> np.ndarray:
    """Add ``amount`` of full saturation (HSV)."""
    return _shift_hsv(image, 0, round(amount * 255))


def hue_shift(image: np.ndarray, shift: float, draw: np.random.Generator) -> np.ndarray:
    """Shift the hue (HSV) by ``shift`` of the colour circle in a random direction."""
    return _shift_hsv(image, int(draw.choice((-1, 1))) * round(shift * 256), 0)


def grey(image: np.ndarray, share: float, _draw: np.random.Generator) -> np.ndarray:
    """Blend with the grey image (ITU-R 601 luma), which has the weight ``share``."""
    return np.asarray(ImageEnhance.Color(Image.fromarray(image)).enhance(1 - share))


def channel_shuffle(image: np.ndarray, share: float, draw: np.random.Generator) -> np.ndarray:
    """Blend with a random other order of R, G and B, which has the weight ``share``."""
    order = ORDERS[draw.integers(len(ORDERS))]
    return to_bytes(image * np.float32(1 - share) + image[..., list(order)] * np.float32(share))


def stain_shift(image: np.ndarray, width: float, draw: np.random.Generator) -> np.ndarray:
    """Multiply each stain's density by a factor in 1 +- ``width`` and add up to +- ``width`` / 4.

    Densities are minus the natural logarithm of transmitted light (Beer-Lambert), separated into
    stains by the matrix of Ruifrok and Johnston 2001.
    """
    stains = -np.log((image.reshape(-1, 3) + 1.0) / 256) @ HED_INVERSE
    stains = stains * draw.uniform(1 - width, 1 + width, 3) + draw.uniform(-width, width, 3) / 4
    return to_bytes(np.exp(-stains @ HED) * 256 - 1).reshape(image.shape)


def _shift_hsv(image: np.ndarray, hue: int, saturation: int) -> np.ndarray:
    values = np.array(Image.fromarray(image).convert("HSV")).astype(np.int16)
    values[..., 0] = (values[..., 0] + hue) % 256
    values[..., 1] = (values[..., 1] + saturation).clip(0, 255)
    shifted = Image.fromarray(values.astype(np.uint8), "HSV")
    return np.asarray(shifted.convert("RGB"))


CHANNELS = "ours; orders of the channels as Albumentations' ChannelShuffle"
TELLEZ = "HED jitter, Tellez et al. 2019, https://arxiv.org/abs/1902.06543; levels ours"
CORRUPTIONS = (
    Corruption("saturate", "colour", saturate, (0.05, 0.1, 0.15, 0.17, 0.2), MEDMNIST_C),
    Corruption("hue_shift", "colour", hue_shift, (0.05, 0.1, 0.2, 0.35, 0.5), "ours"),
    Corruption("grey", "colour", grey, (0.2, 0.4, 0.6, 0.8, 1.0), "ours"),
    Corruption("channel_shuffle", "colour", channel_shuffle, (0.2, 0.4, 0.6, 0.8, 1.0), CHANNELS),
    Corruption("stain_shift", "colour", stain_shift, (0.1, 0.2, 0.3, 0.45, 0.6), TELLEZ),
)
