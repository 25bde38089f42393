"""Rotate, shift, zoom, shear and deform images.

Beyond the edge the image is continued by its mirror image or by black, at random: both are common.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from bccurate.evaluation.corruptions.kind import Corruption, to_bytes

SMOOTH = 0.06  # sigma of the elastic field, a fraction of the shorter side


def rotation(image: np.ndarray, max_degrees: float, draw: np.random.Generator) -> np.ndarray:
    """Rotate about the centre by a random angle within +- ``max_degrees``."""
    angle = math.radians(draw.uniform(-max_degrees, max_degrees))
    cos, sin = math.cos(angle), math.sin(angle)
    return _affine(image, np.array([[cos, -sin], [sin, cos]]), (0, 0), draw)


def shift(image: np.ndarray, share: float, draw: np.random.Generator) -> np.ndarray:
    """Shift by ``share`` of each side in a random direction."""
    angle = draw.uniform(0, 2 * math.pi)
    height, width, _ = image.shape
    offset = (share * height * math.sin(angle), share * width * math.cos(angle))
    return _affine(image, np.eye(2), offset, draw)


def zoom(image: np.ndarray, factor: float, draw: np.random.Generator) -> np.ndarray:
    """Enlarge or reduce ``factor`` times about the centre, at random."""
    return _affine(image, np.eye(2) * factor ** draw.choice((-1, 1)), (0, 0), draw)


def shear(image: np.ndarray, slope: float, draw: np.random.Generator) -> np.ndarray:
    """Shear rows or columns by ``slope`` pixels per pixel in a random direction."""
    matrix = np.eye(2)
    corner = ((0, 1), (1, 0))[draw.integers(2)]
    matrix[corner] = slope * draw.choice((-1, 1))
    return _affine(image, matrix, (0, 0), draw)


def elastic(image: np.ndarray, share: float, draw: np.random.Generator) -> np.ndarray:
    """Displace pixels by a smooth random field; its RMS is ``share`` of the shorter side."""
    side = min(image.shape[:2])
    field = draw.standard_normal((2, *image.shape[:2]), dtype=np.float32)
    field = gaussian_filter(field, (0, SMOOTH * side, SMOOTH * side), mode="wrap")
    length = math.sqrt(float((field**2).sum(axis=0).mean()))
    return _sample(image, np.indices(image.shape[:2]) + field * (share * side / length), draw)


def _affine(
    image: np.ndarray,
    matrix: np.ndarray,
    offset: tuple[float, float],
    draw: np.random.Generator,
) -> np.ndarray:
    """Take each pixel p from ``matrix`` (p - centre) + centre + ``offset``."""
    height, width, _ = image.shape
    centre = np.array([[(height - 1) / 2], [(width - 1) / 2]])
    pixels = np.indices((height, width)).reshape(2, -1) - centre
    positions = matrix @ pixels + centre + np.array(offset)[:, None]
    return _sample(image, positions.reshape(2, height, width), draw)


def _sample(image: np.ndarray, positions: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Interpolate the image linearly at ``positions`` (2, H, W)."""
    mode = ("reflect", "constant")[draw.integers(2)]
    channels = [
        map_coordinates(image[..., c], positions, np.float32, order=1, mode=mode) for c in range(3)
    ]
    return to_bytes(np.stack(channels, axis=-1))


SIMARD = "elastic distortions, Simard et al. 2003; levels ours"
CORRUPTIONS = (
    Corruption("rotation", "geometric", rotation, (10, 20, 45, 90, 180), "ours"),
    Corruption("shift", "geometric", shift, (0.05, 0.1, 0.15, 0.2, 0.3), "ours"),
    Corruption("zoom", "geometric", zoom, (1.1, 1.2, 1.35, 1.5, 1.75), "ours"),
    Corruption("shear", "geometric", shear, (0.1, 0.2, 0.3, 0.4, 0.5), "ours"),
    Corruption("elastic", "geometric", elastic, (0.01, 0.02, 0.03, 0.04, 0.05), SIMARD),
)
