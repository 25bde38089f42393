"""Call the compiled kernel that hashes and measures one decoded image."""

from __future__ import annotations

import ctypes

import numpy as np

from bccurate.native import function

PHASH, DHASH, AHASH, WHASH, STATISTICS = 1, 2, 4, 8, 16
ALL = PHASH | DHASH | AHASH | WHASH | STATISTICS

# ``ImageStats`` of hashes.h. ``known`` holds the bits of the hashes that rounding cannot change;
# sums are over the grey values and over their 4-neighbour Laplacian.
FIELDS = [
    ("known", "i8"),
    *((name, "u8") for name in ("phash", "dhash", "ahash", "whash")),
    *((name, "i8") for name in ("grey_sum", "grey_squares", "edge_sum", "edge_squares")),
    ("thumb", "V1024"),
]
MEASURED = np.dtype(FIELDS)

_measure = function(
    "bc_measure_pixels", ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64,
    ctypes.c_int64, ctypes.c_void_p,
)  # fmt: skip


def measure(rgb: np.ndarray, wanted: int, at: int) -> bool:
    """Measure (H, W, 3) uint8 pixels into the record at address ``at``, of ``MEASURED``.

    Returns:
        False where there is no kernel, or the image has a size that it does not take.
    """
    if _measure is None:
        return False
    rgb = np.ascontiguousarray(rgb)
    height, width, channels = rgb.shape
    return bool(_measure(rgb.ctypes.data, width, height, channels, wanted, at))
