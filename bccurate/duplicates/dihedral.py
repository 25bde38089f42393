"""The eight rotations by 90 degrees and flips: their names, and the hashes of a picture in each.

Turn t of a picture is its rotation by t % 4 quarters counter-clockwise, mirrored left to right
before where t >= 4, as ``registration.turned`` makes it.
"""

from __future__ import annotations

import ctypes

import numpy as np

from bccurate import native
from bccurate.duplicates.registration import check_pictures
from bccurate.images.hashing import low_frequencies
from bccurate.native.threads import in_threads

TURNS = (
    "as it is",
    "rotated by 90 degrees",
    "rotated by 180 degrees",
    "rotated by 270 degrees",
    "flipped left to right",
    "flipped about its diagonal",
    "flipped top to bottom",
    "flipped about its other diagonal",
)
_CHUNK = 1024  # pictures whose doubles fit in a core's cache and a bit
_ODD = np.where(np.arange(8) % 2, -1.0, 1.0)
# Signs of the coefficients, and the turns whose hash is theirs as it is and transposed: a transpose
# moves coefficients about, so that the median is the same.
_FORMS = (
    (np.ones((8, 8)), 0, 5),
    (np.ones((8, 1)) * _ODD, 4, 1),
    (_ODD[:, None] * np.ones(8), 6, 3),
    (_ODD[:, None] * _ODD, 2, 7),
)


_p, _n = ctypes.c_void_p, ctypes.c_int64
_hashes = native.function("bc_turned_hashes", _p, _n, _n, _n, _p)


def turned_hashes(thumbs: np.ndarray, kernel: bool = True) -> np.ndarray:
    """The phash of every small picture in every turn, from one DCT a picture.

    A flip left to right changes the sign of the DCT's odd columns, and a rotation by 90 degrees is
    that flip, transposed. The bits are those that ``imagehash.phash`` gives for the turned
    picture, but where a coefficient lies within rounding of the median.

    Args:
        thumbs: (N, 32, 32) uint8.

    Returns:
        (8, N) uint64, a row a turn.

    Raises:
        ValueError: pictures of another shape or type.
    """
    check_pictures(thumbs)
    thumbs = np.ascontiguousarray(thumbs)
    hashes = np.empty((len(TURNS), len(thumbs)), dtype=np.uint64)

    def fill(rows: range) -> None:
        if _hashes and kernel:
            p = native.pointer
            _hashes(p(thumbs), rows.start, rows.stop, len(thumbs), p(hashes))
            return
        part = slice(rows.start, rows.stop)
        upright = low_frequencies(thumbs[part])
        for signs, straight, transposed in _FORMS:
            above = _above_median(upright * signs)
            hashes[straight, part] = _packed(above)
            hashes[transposed, part] = _packed(above.transpose(0, 2, 1))

    in_threads(fill, range(len(thumbs)), _CHUNK)
    return hashes


def _above_median(low: np.ndarray) -> np.ndarray:
    """Which of the 64 coefficients of each picture are above their median, (N, 8, 8)."""
    rows = low.reshape(len(low), -1)
    middle = np.partition(rows, (31, 32), axis=1)[:, 31:33].mean(axis=1)
    return low > middle[:, None, None]


def _packed(bits: np.ndarray) -> np.ndarray:
    """(N, 8, 8) to (N,) uint64, the first bit the highest."""
    return np.packbits(bits.reshape(len(bits), -1), axis=1).view(">u8").astype(np.uint64).ravel()
