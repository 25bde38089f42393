"""Cover parts of an image: stain deposits, bubbles, boxes, a grid."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

from bccurate.evaluation.corruptions.kind import MEDMNIST_C, Corruption, scale_of, to_bytes

INK = 0.9  # share of the light that a deposit absorbs
MIN_BUBBLES, MIN_RADIUS, RIM = 7, 3, 2  # lengths in pixels of a 224-pixel image
INSIDE, EDGE = 100, 130  # opacity of a white bubble and of its rim, of 255
UNITS = 4  # grid cells along the shorter side


def stain_deposit(
    image: np.ndarray, level: tuple[int, float], draw: np.random.Generator
) -> np.ndarray:
    """Paint n dark irregular spots; ``level`` is (n, radius as a share of the shorter side).

    MedMNIST-C pastes one to three drawn ink marks; the number is the same, the outline ours.
    """
    spots, radius = level
    height, width, _ = image.shape
    rows, columns = np.indices((height, width), dtype=np.float32)
    light = np.ones((height, width), np.float32)
    for _ in range(spots):
        y, x = rows - draw.uniform(0, height - 1), columns - draw.uniform(0, width - 1)
        waves = draw.uniform(0, 2 * math.pi, 3)
        angle = np.arctan2(y, x)
        outline = 1 + sum(0.2 * np.sin((k + 2) * angle + wave) for k, wave in enumerate(waves))
        inside = radius * min(height, width) * outline + 0.5 - np.hypot(y, x)
        light = np.minimum(light, 1 - INK * inside.clip(0, 1))
    return to_bytes(image * light[..., None])


def bubble(image: np.ndarray, level: tuple[int, int], draw: np.random.Generator) -> np.ndarray:
    """Paint 7 to n whitish disks of 3 to radius pixels; ``level`` is (radius, n).

    Lengths are in pixels of a 224-pixel image and scale with the image.
    """
    max_radius, max_bubbles = level
    height, width, _ = image.shape
    scale = scale_of(image)
    veil = Image.new("L", (width, height), 0)
    pen = ImageDraw.Draw(veil)
    for _ in range(draw.integers(MIN_BUBBLES, max_bubbles + 1)):
        radius = draw.integers(MIN_RADIUS, max_radius + 1) * scale
        x, y = (draw.uniform(min(radius, side / 2), max(side - radius, side / 2))
                for side in (width, height))  # fmt: skip
        for reach, white in ((radius + RIM * scale, EDGE), (radius, INSIDE)):
            pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=white)
    alpha = np.asarray(veil, np.float32)[..., None] / 255
    return to_bytes(image * (1 - alpha) + 255 * alpha)


def cutout(image: np.ndarray, share: float, draw: np.random.Generator) -> np.ndarray:
    """Paint a black rectangle, ``share`` of the image's sides, centred anywhere in the image."""
    rows, columns = (_span(side, share, draw) for side in image.shape[:2])
    out = image.copy()
    out[rows, columns] = 0
    return out


def grid_mask(image: np.ndarray, share: float, draw: np.random.Generator) -> np.ndarray:
    """Paint black squares in a grid of four per shorter side; ``share`` of a cell's side."""
    unit = max(min(image.shape[:2]) / UNITS, 1)
    rows, columns = (
        (np.arange(side) + draw.uniform(0, unit)) % unit < share * unit for side in image.shape[:2]
    )
    out = image.copy()
    out[rows[:, None] & columns] = 0
    return out


def _span(side: int, share: float, draw: np.random.Generator) -> slice:
    length = max(round(share * side), 1)
    start = int(draw.integers(side)) - length // 2
    return slice(max(start, 0), start + length)


CUTOUT = "DeVries and Taylor 2017, https://arxiv.org/abs/1708.04552; levels ours"
GRID = "Chen et al. 2020, https://arxiv.org/abs/2001.04086; levels ours"
INKS = ((1, 0.05), (2, 0.06), (3, 0.07), (3, 0.09), (3, 0.11))
BUBBLES = ((5, 10), (7, 10), (10, 10), (12, 12), (15, 12))
CORRUPTIONS = (
    Corruption("stain_deposit", "occlusion", stain_deposit, INKS, MEDMNIST_C),
    Corruption("bubble", "occlusion", bubble, BUBBLES, MEDMNIST_C),
    Corruption("cutout", "occlusion", cutout, (0.2, 0.3, 0.4, 0.5, 0.6), CUTOUT),
    Corruption("grid_mask", "occlusion", grid_mask, (0.3, 0.4, 0.5, 0.6, 0.7), GRID),
)
