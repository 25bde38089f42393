"""Perceptual hashes of 64 bits, as imagehash defines them.

Sources: phash, Zauner 2010, "Implementation and benchmarking of perceptual image hash
functions"; ahash and dhash, Krawetz 2011 and 2013; whash, Petrov 2016. The reference for every
bit is the imagehash library, and where its rounding decides, it is asked: for a phash whose two
coefficients about the median are nearer than 1e-5, and for a whash whose two are equal (1 image in
1,000).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from PIL import Image

from bccurate.errors import UnreadableImage
from bccurate.images.image_stats import KNOWN, METHODS, hash_of, variance
from bccurate.images.thumbnail import thumbnail
from bccurate.native import image_kernels as images

_MARGIN = 1e-5
_SIDE = 8
_CHUNK = 32  # files a call: enough to share the tables, few enough to share the work
_MAX_WAVELET_SIDE = 256
_DCT = 2 * np.cos(np.pi * np.arange(8)[:, None] * (2 * np.arange(32) + 1) / 64)


def hash_files(paths: Sequence[str], method: str = "phash", threads: int = 1) -> list[str | None]:
    """The hashes of image files, 16 hexadecimal digits each, None where a file does not decode.

    Args:
        paths: files.
        method: one of ``METHODS``.
        threads: that read and hash side by side.
    """
    chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
    if threads == 1:
        return [text for chunk in chunks for text in _hash_chunk(chunk, method)]
    with ThreadPoolExecutor(threads) as pool:
        return [
            text
            for texts in pool.map(_hash_chunk, chunks, [method] * len(chunks))
            for text in texts
        ]


def _hash_chunk(paths: Sequence[str], method: str) -> list[str | None]:
    found: list[str | None] = []
    for rows, _, _ in images.read_files(paths, KNOWN[method]):
        for row in rows:
            text = hash_of(row, method) if row.status else None
            found.append(text or _hash_slowly(paths[len(found)], method))
    return found


def _hash_slowly(path: str, method: str) -> str | None:
    from bccurate.images.decode import decode_rgb

    try:
        return hash_pixels(decode_rgb(path), method)
    except UnreadableImage:
        return None


def hash_pixels(rgb: np.ndarray, method: str = "phash") -> str:
    """The hash of an image as 16 hexadecimal digits.

    A string, because the database holds no unsigned 64-bit integers.

    Args:
        rgb: (H, W, 3) uint8.
        method: one of ``METHODS``.
    """
    return hash_of(measure(rgb, KNOWN[method]), method) or imagehash_of(
        Image.fromarray(rgb), method
    )


def imagehash_of(image: Image.Image, method: str) -> str:
    """The hash by the reference library, slow and right."""
    import imagehash  # late: training machines read images too and may lack it

    name = "average_hash" if method == "ahash" else method
    return str(getattr(imagehash, name)(image))


def measure(rgb: np.ndarray, wanted: int = images.ALL) -> images.Row:
    """Hashes and statistics of pixels, by the compiled kernel or, where there is none, by numpy.

    Args:
        rgb: (H, W, 3) uint8.
        wanted: bits of ``native.image_kernels``: which hashes, and whether the statistics.
    """
    height, width = rgb.shape[:2]
    row = images.measure(np.ascontiguousarray(rgb), width, height, 3, wanted)
    return _measure_in_numpy(Image.fromarray(rgb).convert("L"), wanted) if row is None else row


def low_frequencies(pictures: np.ndarray) -> np.ndarray:
    """(..., 32, 32) pictures to the (..., 8, 8) lowest coefficients of their unnormalised DCT-II.

    C P C' with C the first 8 rows of the transform.
    """
    return _DCT @ pictures.astype(np.float64) @ _DCT.T


def to_uint64(hashes: Sequence[str]) -> np.ndarray:
    """Hexadecimal hashes as (N,) uint64."""
    return np.frombuffer(bytes.fromhex("".join(hashes)), dtype=">u8").astype(np.uint64)


def sharpness(grey: np.ndarray) -> float:
    """The variance of the 4-neighbour Laplacian of an (H, W) image, 0 below 3x3 pixels.

    Source: Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy".
    """
    edges = _laplacian(grey)
    return variance(edges.size, int(edges.sum()), int((edges * edges).sum()))


def _laplacian(grey: np.ndarray) -> np.ndarray:
    if min(grey.shape) < 3:
        return np.empty(0, dtype=np.int64)
    g = grey.astype(np.int64)
    return g[:-2, 1:-1] + g[2:, 1:-1] + g[1:-1, :-2] + g[1:-1, 2:] - 4 * g[1:-1, 1:-1]


def _measure_in_numpy(grey: Image.Image, wanted: int) -> images.Row:
    """What the kernel does, in Pillow and numpy: the reference that it is held to."""
    row = images.Row()
    for method, find in _HASHES.items():
        bits = find(grey) if wanted & KNOWN[method] else None
        if bits is not None:
            setattr(row, method, int.from_bytes(np.packbits(bits).tobytes(), "big"))
            row.known |= KNOWN[method]
    if wanted & images.STATISTICS:
        pixels = np.asarray(grey, dtype=np.int64)
        edges = _laplacian(pixels)
        row.grey_sum, row.grey_squares = int(pixels.sum()), int((pixels * pixels).sum())
        row.edge_sum, row.edge_squares = int(edges.sum()), int((edges * edges).sum())
        row.thumb[:] = thumbnail(grey).tobytes()
    return row


def _shrunk(grey: Image.Image, width: int, height: int) -> np.ndarray:
    return np.asarray(grey.resize((width, height), Image.Resampling.LANCZOS))


def _phash_bits(grey: Image.Image) -> np.ndarray | None:
    low = low_frequencies(_shrunk(grey, 32, 32)).ravel()
    below, above = np.partition(low, (31, 32))[31:33]
    return None if above - below < _MARGIN else low > (below + above) / 2


def _dhash_bits(grey: Image.Image) -> np.ndarray:
    small = _shrunk(grey, _SIDE + 1, _SIDE)
    return small[:, 1:] > small[:, :-1]


def _ahash_bits(grey: Image.Image) -> np.ndarray:
    small = _shrunk(grey, _SIDE, _SIDE)
    return small > small.mean()


def _whash_bits(grey: Image.Image) -> np.ndarray | None:
    """The low band of a Haar transform is sums of blocks; less their mean, as imagehash takes it,
    moves no bit."""
    side = max(_SIDE, 1 << (min(grey.size).bit_length() - 1))
    if side > _MAX_WAVELET_SIDE:
        return None
    block = side // _SIDE
    blocks = _shrunk(grey, side, side).reshape(_SIDE, block, _SIDE, block)
    sums = blocks.sum(axis=(1, 3), dtype=np.int64).ravel()
    below, above = np.partition(sums, (31, 32))[31:33]
    return None if below == above else sums > (below + above) / 2


_HASHES: dict[str, Any] = {
    "phash": _phash_bits,
    "dhash": _dhash_bits,
    "ahash": _ahash_bits,
    "whash": _whash_bits,
}
assert tuple(_HASHES) == METHODS
