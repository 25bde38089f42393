"""Perceptual hashes of 64 bits, as imagehash defines them.

Sources: phash, Zauner 2010, "Implementation and benchmarking of perceptual image hash
functions"; ahash and dhash, Krawetz 2011 and 2013; whash, Petrov 2016. The reference for every
bit is the imagehash library.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

METHODS = ("phash", "dhash", "ahash", "whash")
_MARGIN = 1e-5
_LAPLACIAN_REACH = 4 * 255  # no Laplacian of 8-bit values lies further from 0
_DCT = 2 * np.cos(np.pi * np.arange(8)[:, None] * (2 * np.arange(32) + 1) / 64)


def hash_pixels(rgb: np.ndarray, method: str = "phash") -> str:
    """The hash of an image as 16 hexadecimal digits.

    A string, because the database holds no unsigned 64-bit integers.

    Args:
        rgb: (H, W, 3) uint8.
        method: one of ``METHODS``.
    """
    return hash_image(Image.fromarray(rgb), method)


def hash_image(image: Image.Image, method: str = "phash") -> str:
    """As ``hash_pixels``, of a Pillow image in mode L or RGB."""
    if method == "phash" and (fast := _phash(image)) is not None:
        return fast
    import imagehash  # late: training machines read images too and may lack it

    name = "average_hash" if method == "ahash" else method
    return str(getattr(imagehash, name)(image))


def _phash(image: Image.Image) -> str | None:
    """imagehash's phash by one matrix product, or None where rounding could turn a bit.

    The 8x8 low frequencies are C P C' with C the first 8 rows of the unnormalised DCT-II. Both
    ways round by about 1e-8; where the two about the median are nearer than ``_MARGIN`` imagehash
    itself decides.
    """
    small = image.convert("L").resize((32, 32), Image.Resampling.LANCZOS)
    low = (_DCT @ np.asarray(small, dtype=np.float64) @ _DCT.T).ravel()
    below, above = np.partition(low, (31, 32))[31:33]
    if above - below < _MARGIN:
        return None
    return np.packbits(low > (below + above) / 2).tobytes().hex()


def to_uint64(hashes: list[str]) -> np.ndarray:
    """Hexadecimal hashes as (N,) uint64."""
    return np.array([int(text, 16) for text in hashes], dtype=np.uint64)


def sharpness(grey: np.ndarray) -> float:
    """The variance of the 4-neighbour Laplacian of an (H, W) image, 0 below 3x3 pixels.

    Source: Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy".
    """
    if min(grey.shape) < 3:
        return 0.0
    g = grey.astype(np.int16)
    laplacian = g[:-2, 1:-1] + g[2:, 1:-1] + g[1:-1, :-2] + g[1:-1, 2:] - 4 * g[1:-1, 1:-1]
    # From whole sums, which are exact: numpy's own var takes three times as long here.
    counts = np.bincount(laplacian.ravel() + _LAPLACIAN_REACH).astype(np.float64)
    return variance(counts, np.arange(len(counts)))[1]


def variance(counts: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Mean and variance of ``values`` that occur ``counts`` times each."""
    n = counts.sum()
    mean = counts @ values / n
    return float(mean), float(counts @ (values - mean) ** 2 / n)
