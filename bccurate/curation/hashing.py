"""Perceptual hashes of 64 bits, as imagehash defines them.

Sources: phash, Zauner 2010, "Implementation and benchmarking of perceptual image hash
functions"; ahash and dhash, Krawetz 2011 and 2013; whash, Petrov 2016. The reference for every
bit is the imagehash library.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

METHODS = ("phash", "dhash", "ahash", "whash")


def hash_pixels(rgb: np.ndarray, method: str = "phash") -> str:
    """The hash of an image as 16 hexadecimal digits.

    A string, because the database holds no unsigned 64-bit integers.

    Args:
        rgb: (H, W, 3) uint8.
        method: one of ``METHODS``.
    """
    import imagehash  # late: training machines read images too and may lack it

    name = "average_hash" if method == "ahash" else method
    return str(getattr(imagehash, name)(Image.fromarray(rgb)))


def to_uint64(hashes: list[str]) -> np.ndarray:
    """Hexadecimal hashes as (N,) uint64."""
    return np.array([int(text, 16) for text in hashes], dtype=np.uint64)


def sharpness(grey: np.ndarray) -> float:
    """The variance of the 4-neighbour Laplacian of an (H, W) image, 0 below 3x3 pixels.

    Source: Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy".
    """
    if min(grey.shape) < 3:
        return 0.0
    g = grey.astype(np.float32)
    laplacian = g[:-2, 1:-1] + g[2:, 1:-1] + g[1:-1, :-2] + g[1:-1, 2:] - 4 * g[1:-1, 1:-1]
    return float(laplacian.var(dtype=np.float64))
