"""Compute perceptual hashes of 64 bits, as imagehash defines them.

Sources: phash, Zauner 2010, "Implementation and benchmarking of perceptual image hash
functions"; ahash and dhash, Krawetz 2011 and 2013; whash, Petrov 2016. The imagehash library is the
reference for every bit, and is called where rounding decides: for a phash whose two coefficients
about the median are nearer than 1e-5, and for a whash whose two are equal (1 image in 1,000).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from bccurate.images.thumbnail import thumbnail
from bccurate.native import image_measure
from bccurate.native.image_measure import ALL, MEASURED, STATISTICS
from bccurate.settings.vocabulary import HASHES as METHODS

# Bits of the field ``known`` of a record.
KNOWN = {method: getattr(image_measure, method.upper()) for method in METHODS}
_MARGIN = 1e-5
_SIDE = 8
_MAX_WAVELET_SIDE = 256
_DCT = 2 * np.cos(np.pi * np.arange(8)[:, None] * (2 * np.arange(32) + 1) / 64)


def hash_pixels(rgb: np.ndarray, method: str = "phash") -> str:
    """Return the hash of an image as 16 hexadecimal digits.

    A string, because MongoDB has no unsigned 64-bit integers.

    Args:
        rgb: (H, W, 3) uint8.
        method: one of ``METHODS``.
    """
    record = np.zeros(1, MEASURED)
    measure_into(rgb, record, KNOWN[method])
    if record["known"][0] & KNOWN[method]:
        return f"{int(record[method][0]):016x}"
    return imagehash_of(rgb, method)


def imagehash_of(rgb: np.ndarray, method: str) -> str:
    """Return the hash by the imagehash library, 16 hexadecimal digits."""
    import imagehash  # late: a machine that only trains may lack it

    name = "average_hash" if method == "ahash" else method
    return str(getattr(imagehash, name)(Image.fromarray(rgb)))


def measure_into(rgb: np.ndarray, record: np.ndarray, wanted: int = ALL) -> None:
    """Hash and measure an image, by the compiled kernel or, where there is none, by numpy.

    Args:
        rgb: (H, W, 3) uint8.
        record: (1,) array of a type that begins with the fields of ``MEASURED``; written to.
        wanted: bits of ``KNOWN`` and ``STATISTICS``.
    """
    if not image_measure.measure(rgb, wanted, record.ctypes.data):
        _measure_in_numpy(Image.fromarray(rgb).convert("L"), record, wanted)


def low_frequencies(images: np.ndarray) -> np.ndarray:
    """Return the (..., 8, 8) lowest DCT-II coefficients of (..., 32, 32) images, not normalised.

    C P C' with C the first 8 rows of the transform.
    """
    return _DCT @ images.astype(np.float64) @ _DCT.T


def to_uint64(hashes: Sequence[str]) -> np.ndarray:
    """Return hexadecimal hashes as (N,) uint64."""
    return np.frombuffer(bytes.fromhex("".join(hashes)), dtype=">u8").astype(np.uint64)


def _laplacian(grey: np.ndarray) -> np.ndarray:
    """Return the 4-neighbour Laplacian without the border; its variance measures sharpness.

    Source: Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy".
    """
    if min(grey.shape) < 3:
        return np.empty(0, dtype=np.int64)
    g = grey.astype(np.int64)
    return g[:-2, 1:-1] + g[2:, 1:-1] + g[1:-1, :-2] + g[1:-1, 2:] - 4 * g[1:-1, 1:-1]


def _measure_in_numpy(grey: Image.Image, record: np.ndarray, wanted: int) -> None:
    """Measure as the kernel does, in Pillow and numpy: the reference for the kernel."""
    known = 0
    for method, find in _HASHES.items():
        bits = find(grey) if wanted & KNOWN[method] else None
        if bits is not None:
            record[method] = int.from_bytes(np.packbits(bits).tobytes(), "big")
            known |= KNOWN[method]
    record["known"] = known
    if wanted & STATISTICS:
        pixels = np.asarray(grey, dtype=np.int64)
        edges = _laplacian(pixels)
        for name, values in (("grey", pixels), ("edge", edges)):
            record[f"{name}_sum"] = int(values.sum())
            record[f"{name}_squares"] = int((values * values).sum())
        record["thumb"] = np.void(thumbnail(grey).tobytes())


def _resized(grey: Image.Image, width: int, height: int) -> np.ndarray:
    return np.asarray(grey.resize((width, height), Image.Resampling.LANCZOS))


def _phash_bits(grey: Image.Image) -> np.ndarray | None:
    low = low_frequencies(_resized(grey, 32, 32)).ravel()
    below, above = np.partition(low, (31, 32))[31:33]
    return None if above - below < _MARGIN else low > (below + above) / 2


def _dhash_bits(grey: Image.Image) -> np.ndarray:
    small = _resized(grey, _SIDE + 1, _SIDE)
    return small[:, 1:] > small[:, :-1]


def _ahash_bits(grey: Image.Image) -> np.ndarray:
    small = _resized(grey, _SIDE, _SIDE)
    return small > small.mean()


def _whash_bits(grey: Image.Image) -> np.ndarray | None:
    """Compare block sums with their median: the low band of a Haar transform.

    imagehash subtracts the mean first, which changes no bit.
    """
    side = max(_SIDE, 1 << (min(grey.size).bit_length() - 1))
    if side > _MAX_WAVELET_SIDE:
        return None
    block = side // _SIDE
    blocks = _resized(grey, side, side).reshape(_SIDE, block, _SIDE, block)
    sums = blocks.sum(axis=(1, 3), dtype=np.int64).ravel()
    below, above = np.partition(sums, (31, 32))[31:33]
    return None if below == above else sums > (below + above) / 2


_HASHES: dict[str, Any] = {
    "phash": _phash_bits,
    "dhash": _dhash_bits,
    "ahash": _ahash_bits,
    "whash": _whash_bits,
}
