"""Soft shapes on a supersampled canvas: the few strokes that all the cells are drawn with.

Coordinates run over [-1, 1] from edge to edge of the picture, x to the right and y down. A shape
is a *field*: an array (S, S) float32 that is positive inside, zero on the outline and negative
outside, in the same unit, so that union is ``maximum``, cutting is ``minimum`` of the negative,
and an outline can be softened over a known width.
A canvas is channels first, (3, S, S): numpy then works along whole rows, three times as fast.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image

SUPERSAMPLE = 2
Colour = tuple[float, float, float]


@lru_cache(maxsize=4)
def grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    """``x, y`` of every pixel centre, each (size, size) float32 in (-1, 1)."""
    axis = (np.arange(size, dtype=np.float32) + 0.5) * (2.0 / size) - 1.0
    x, y = np.meshgrid(axis, axis)
    return x, y


def noise(rng: np.random.Generator, cells: int, size: int) -> np.ndarray:
    """Smooth noise (size, size) float32, about normal, with ``cells`` waves across the picture."""
    coarse = rng.standard_normal((cells, cells), dtype=np.float32)
    return np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC))


def ellipse(
    x: np.ndarray,
    y: np.ndarray,
    centre: tuple[float, float],
    radii: tuple[float, float],
    turn: float,
) -> np.ndarray:
    """Field of an ellipse of half axes ``radii``, turned by ``turn`` radians."""
    cos, sin, least = np.cos(turn), np.sin(turn), min(radii)
    dx, dy = x - np.float32(centre[0]), y - np.float32(centre[1])
    # Both axes are scaled by the smaller radius at once, to spare passes over the picture.
    along = dx * np.float32(cos * least / radii[0])
    along += dy * np.float32(sin * least / radii[0])
    across = dy * np.float32(cos * least / radii[1])
    across -= dx * np.float32(sin * least / radii[1])
    along *= along
    across *= across
    along += across
    return np.float32(least) - np.sqrt(along, out=along)


def soften(field: np.ndarray, width: float) -> np.ndarray:
    """Coverage in [0, 1]: one half on the outline, rising over ``width``."""
    cover = field * np.float32(1 / width)
    cover += np.float32(0.5)
    return np.clip(cover, 0, 1, out=cover)


def paint(canvas: np.ndarray, coverage: np.ndarray, colour: np.ndarray) -> None:
    """Lay ``colour``, (3, 1, 1) or (3, S, S), over ``canvas`` (3, S, S) in place."""
    change = colour - canvas
    change *= coverage
    canvas += change


def tint(colour: Colour) -> np.ndarray:
    """A colour of 0 to 255 as a (3, 1, 1) float32 array that broadcasts over a canvas."""
    return np.array(colour, np.float32)[:, None, None]


def spread(rng: np.random.Generator, deviation: float) -> np.ndarray:
    """A normal draw a channel, (3, 1, 1) float32."""
    return rng.normal(0, deviation, (3, 1, 1)).astype(np.float32)


def halve(array: np.ndarray) -> np.ndarray:
    """Mean over blocks of ``SUPERSAMPLE`` = 2 x 2 pixels: (..., 2 S, 2 S) to (..., S, S)."""
    rows = array[..., ::2, :] + array[..., 1::2, :]
    return (rows[..., ::2] + rows[..., 1::2]) * np.float32(0.25)


def enlarge(array: np.ndarray, size: int) -> np.ndarray:
    """A smooth (S, S) float32 array at (size, size), bilinear."""
    return np.asarray(Image.fromarray(array).resize((size, size), Image.Resampling.BILINEAR))
