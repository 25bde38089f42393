"""Name the eight rotations by 90 degrees and flips (the dihedral group), and hash images in each.

Rotation k is by k % 4 times 90 degrees counter-clockwise, after a flip left to right where k >= 4,
as ``registration.rotated`` does it.
"""

from __future__ import annotations

import ctypes

import numpy as np

from bccurate import native
from bccurate.duplicates.registration import check_thumbnails
from bccurate.images.hashing import low_frequencies
from bccurate.native.threads import in_threads

ROTATIONS = (
    "as it is",
    "rotated by 90 degrees",
    "rotated by 180 degrees",
    "rotated by 270 degrees",
    "flipped left to right",
    "flipped about its diagonal",
    "flipped top to bottom",
    "flipped about its other diagonal",
)
_CHUNK = 1024  # images: about as many as fit, as doubles, in a core's cache
_ODD = np.where(np.arange(8) % 2, -1.0, 1.0)
# Signs of the coefficients, and the rotations whose hash they give as they are and transposed: a
# transpose permutes the coefficients, so that their median is the same.
_FORMS = (
    (np.ones((8, 8)), 0, 5),
    (np.ones((8, 1)) * _ODD, 4, 1),
    (_ODD[:, None] * np.ones(8), 6, 3),
    (_ODD[:, None] * _ODD, 2, 7),
)

_p, _n = ctypes.c_void_p, ctypes.c_int64
_hashes = native.function("bc_turned_hashes", _p, _n, _n, _n, _p)


def rotated_hashes(thumbs: np.ndarray, kernel: bool = True) -> np.ndarray:
    """Compute the phash of every thumbnail in every rotation, from one DCT an image.

    A flip left to right changes the sign of the DCT's odd columns, and a rotation by 90 degrees is
    that flip, transposed. The bits equal those of ``imagehash.phash`` for the rotated image, except
    where a coefficient is within rounding of the median.

    Args:
        thumbs: (N, 32, 32) uint8.

    Returns:
        (8, N) uint64, one row for each rotation.

    Raises:
        ValueError: thumbnails of another shape or type.
    """
    check_thumbnails(thumbs)
    thumbs = np.ascontiguousarray(thumbs)
    hashes = np.empty((len(ROTATIONS), len(thumbs)), dtype=np.uint64)

    def fill(rows: range) -> None:
        if _hashes and kernel:
            p = native.pointer
            _hashes(p(thumbs), rows.start, rows.stop, len(thumbs), p(hashes))
            return
        part = slice(rows.start, rows.stop)
        upright = low_frequencies(thumbs[part])
        for signs, straight, transposed in _FORMS:
            above = _above_median(upright * signs)
            hashes[straight, part] = _pack(above)
            hashes[transposed, part] = _pack(above.transpose(0, 2, 1))

    in_threads(fill, range(len(thumbs)), _CHUNK)
    return hashes


def _above_median(low: np.ndarray) -> np.ndarray:
    """Return which of the 64 coefficients of each image are above their median, (N, 8, 8)."""
    rows = low.reshape(len(low), -1)
    middle = np.partition(rows, (31, 32), axis=1)[:, 31:33].mean(axis=1)
    return low > middle[:, None, None]


def _pack(bits: np.ndarray) -> np.ndarray:
    """Pack (N, 8, 8) bits to (N,) uint64, the first bit the highest."""
    return np.packbits(bits.reshape(len(bits), -1), axis=1).view(">u8").astype(np.uint64).ravel()
