"""Files and pixels through the compiled kernels: rows of numbers and bytes, no numpy, no Pillow.

A worker that reads files imports nothing heavier than this.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from bccurate.native import function

PHASH, DHASH, AHASH, WHASH, STATISTICS, PIXELS = 1, 2, 4, 8, 16, 32
ALL = PHASH | DHASH | AHASH | WHASH | STATISTICS | PIXELS
FORMATS = ("PNG", "JPEG")
_FILE_ARENA = 4 << 20
_PIXEL_ARENA = 4 << 20  # larger pictures are for Pillow, whose decoders pay off there


class Row(ctypes.Structure):
    """What is known of one picture; ``struct Facts`` of hashes.h.

    ``known`` holds the bits of the hashes that are sure; ``grey_sum`` and ``grey_squares`` are over
    the grey values, ``edge_sum`` and ``edge_squares`` over their 4-neighbour Laplacian.
    """

    _fields_ = [
        *[(name, ctypes.c_int64) for name in (
            "status", "width", "height", "format", "size_bytes", "file_at", "pixels_at",
            "pixels_size", "known",
        )],
        *[(name, ctypes.c_uint64) for name in ("phash", "dhash", "ahash", "whash")],
        *[(name, ctypes.c_int64) for name in (
            "grey_sum", "grey_squares", "edge_sum", "edge_squares",
        )],
        ("thumb", ctypes.c_uint8 * 1024),
    ]  # fmt: skip


_own = threading.local()
_read_files = function(
    "bc_read_files", ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p,
    ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p,
)  # fmt: skip
_measure = function(
    "bc_measure_pixels", ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64,
    ctypes.c_int64, ctypes.c_void_p,
)  # fmt: skip


def read_files(
    paths: Sequence[str], wanted: int = ALL
) -> Iterator[tuple[Any, memoryview, memoryview]]:
    """Read and decode files, as many at a time as the arenas hold.

    Yields:
        rows, in the order of ``paths``; the bytes of the files and their RGB pixels, where PIXELS
        are wanted. Rows of status 0 are left to Pillow. The bytes are good until the thread reads
        its next files.
    """
    names = [b"" if "\0" in path else os.fsencode(path) for path in paths]
    if _read_files is None:
        yield (Row * len(paths))(), memoryview(b""), memoryview(b"")
        return
    files, pixels = _arenas()
    start = 0
    while start < len(names):
        left = names[start:]
        rows = (Row * len(left))()
        done = _read_files(
            (ctypes.c_char_p * len(left))(*left), len(left), wanted,
            files, _FILE_ARENA, pixels, _PIXEL_ARENA, rows,
        )  # fmt: skip
        done = done or len(left)  # no memory: all that is left is for Pillow
        yield (Row * done).from_buffer(rows), memoryview(files), memoryview(pixels)
        start += done


def _arenas() -> tuple[Any, Any]:
    """Two blocks of memory a thread, made once: zeroing them anew costs as much as decoding."""
    if not hasattr(_own, "arenas"):
        _own.arenas = (ctypes.c_uint8 * _FILE_ARENA)(), (ctypes.c_uint8 * _PIXEL_ARENA)()
    return _own.arenas


def measure(pixels: Any, width: int, height: int, channels: int, wanted: int = ALL) -> Row | None:
    """Hashes and statistics of decoded pixels, a contiguous numpy array of uint8.

    None where there are no kernels or the picture is too large for them.
    """
    row = Row()
    if _measure is None:
        return None
    good = _measure(pixels.ctypes.data, width, height, channels, wanted, ctypes.byref(row))
    return row if good else None
