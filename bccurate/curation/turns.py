"""The eight rotations by 90 degrees and flips: their names, and the hashes of a picture in each.

Turn t of a picture is its rotation by t % 4 quarters counter-clockwise, mirrored left to right
before where t >= 4, as ``registration.turned`` makes it.
"""

from __future__ import annotations

import numpy as np

from bccurate.curation.hashing import low_frequencies

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
_CHUNK = 2048  # pictures whose doubles fit in a core's cache and a bit


def turned_hashes(thumbs: np.ndarray) -> np.ndarray:
    """The phash of every small picture in every turn, from one DCT a picture.

    A flip left to right changes the sign of the DCT's odd columns, and a rotation by 90 degrees is
    that flip, transposed. The bits are those that ``imagehash.phash`` gives for the turned
    picture, but where a coefficient lies within rounding of the median.

    Args:
        thumbs: (N, 32, 32) uint8.

    Returns:
        (8, N) uint64, a row a turn.
    """
    hashes = np.empty((len(TURNS), len(thumbs)), dtype=np.uint64)
    for start in range(0, len(thumbs), _CHUNK):
        part = slice(start, start + _CHUNK)
        upright = low_frequencies(thumbs[part])
        for mirrored, low in enumerate((upright, _mirrored(upright))):
            for quarters in range(4):
                hashes[4 * mirrored + quarters, part] = _bits(low)
                low = _mirrored(low).transpose(0, 2, 1)
    return hashes


def _mirrored(low: np.ndarray) -> np.ndarray:
    return low * np.where(np.arange(low.shape[2]) % 2, -1.0, 1.0)


def _bits(low: np.ndarray) -> np.ndarray:
    """Which of the 64 coefficients are above their median, the first one the highest bit."""
    rows = low.reshape(len(low), -1)
    middle = np.partition(rows, (31, 32), axis=1)[:, 31:33].mean(axis=1, keepdims=True)
    return np.packbits(rows > middle, axis=1).view(">u8").astype(np.uint64).ravel()
