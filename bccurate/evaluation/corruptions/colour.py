"""Colour: another stain, another camera, another order of the channels."""

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
    """Plus ``amount`` of full saturation (HSV)."""
    return _shift_hsv(image, 0, round(amount * 255))


def hue_shift(image: np.ndarray, turn: float, draw: np.random.Generator) -> np.ndarray:
    """The hue (HSV) by ``turn`` of the colour circle, either way."""
    return _shift_hsv(image, int(draw.choice((-1, 1))) * round(turn * 256), 0)


def grey(image: np.ndarray, share: float, _draw: np.random.Generator) -> np.ndarray:
    """``share`` of the way to the grey image (ITU-R 601 luma)."""
    return np.asarray(ImageEnhance.Color(Image.fromarray(image)).enhance(1 - share))


def channel_shuffle(image: np.ndarray, share: float, draw: np.random.Generator) -> np.ndarray:
    """``share`` of the way to one of the five other orders of R, G and B."""
    order = ORDERS[draw.integers(len(ORDERS))]
    return to_bytes(image * np.float32(1 - share) + image[..., list(order)] * np.float32(share))


def stain_shift(image: np.ndarray, width: float, draw: np.random.Generator) -> np.ndarray:
    """Each stain's density times a factor in 1 +- ``width``, plus up to +- ``width`` / 4.

    Beer-Lambert: densities are minus the natural logarithm of transmitted light, which the stain
    matrix takes apart (Ruifrok and Johnston 2001) and puts together again.
    """
    stains = -np.log((image.reshape(-1, 3) + 1.0) / 256) @ HED_INVERSE
    stains = stains * draw.uniform(1 - width, 1 + width, 3) + draw.uniform(-width, width, 3) / 4
    return to_bytes(np.exp(-stains @ HED) * 256 - 1).reshape(image.shape)


def _shift_hsv(image: np.ndarray, hue: int, saturation: int) -> np.ndarray:
    values = np.array(Image.fromarray(image).convert("HSV")).astype(np.int16)
    values[..., 0] = (values[..., 0] + hue) % 256
    values[..., 1] = (values[..., 1] + saturation).clip(0, 255)
    picture = Image.fromarray(values.astype(np.uint8), "HSV")
    return np.asarray(picture.convert("RGB"))


CHANNELS = "ours; orders of the channels as Albumentations' ChannelShuffle"
TELLEZ = "HED jitter, Tellez et al. 2019, https://arxiv.org/abs/1902.06543; levels ours"
CORRUPTIONS = (
    Corruption("saturate", "colour", saturate, (0.05, 0.1, 0.15, 0.17, 0.2), MEDMNIST_C),
    Corruption("hue_shift", "colour", hue_shift, (0.05, 0.1, 0.2, 0.35, 0.5), "ours"),
    Corruption("grey", "colour", grey, (0.2, 0.4, 0.6, 0.8, 1.0), "ours"),
    Corruption("channel_shuffle", "colour", channel_shuffle, (0.2, 0.4, 0.6, 0.8, 1.0), CHANNELS),
    Corruption("stain_shift", "colour", stain_shift, (0.1, 0.2, 0.3, 0.45, 0.6), TELLEZ),
)
