"""The quick road: plain PNG and JPEG files through the compiled kernels.

What they do not take (rarer kinds, odd or broken files, no compiler) goes Pillow's road in
``images.decode``, which decides what is readable; both give the same facts.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

from bccurate.images.image_stats import ImageStats, Unreadable, hash_of, make_image_stats
from bccurate.native.image_kernels import FORMATS, Row, read_files

SUFFIXES = {
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
_DIGESTS = 64  # bytes of the two SHA-256 that follow a row
_RECORD = ctypes.sizeof(Row) + _DIGESTS


def read_batch(paths: Sequence[str]) -> list[ImageStats | Unreadable]:
    """Facts of a few files, by either road."""
    return list(facts_of(paths, *pack_batch(paths)))


def pack_batch(paths: Sequence[str]) -> tuple[bytes, dict[int, ImageStats | Unreadable]]:
    """What a worker tells of its files: a packed record each, and Pillow's facts by index."""
    records: list[bytes] = []
    slow: dict[int, ImageStats | Unreadable] = {}
    for rows, files, pixels in read_files(paths):
        for row in rows:
            digests = bytes(_DIGESTS)
            if row.status and hash_of(row, "phash"):
                digests = _digests(row, files, pixels)
            else:
                slow[len(records)] = _read_slowly(paths[len(records)])
            records.append(bytes(row) + digests)
    return b"".join(records), slow


def facts_of(
    paths: Sequence[str], packed: bytes, slow: dict[int, ImageStats | Unreadable]
) -> Iterator[ImageStats | Unreadable]:
    """The facts that ``pack_batch`` told, in the order of the paths."""
    for index, path in enumerate(paths):
        if index in slow:
            yield slow[index]
            continue
        start = index * _RECORD
        row = Row.from_buffer_copy(packed, start)
        digests = packed[start + _RECORD - _DIGESTS : start + _RECORD].hex()
        kind = FORMATS[row.format]
        yield make_image_stats(
            row, path, digests[:64], digests[64:], kind, f"{row.phash:016x}", name_note(path, kind)
        )


def pixel_digest(width: int, height: int, pixels: Any) -> Any:
    """The SHA-256 of shape and RGB pixels, which is what makes duplicates exact."""
    digest = sha256(f"({width}, {height})".encode())
    digest.update(pixels)
    return digest


def name_note(path: str, kind: str) -> str:
    """A note where a file's name tells another type than its content has."""
    dot = path.rfind(".")
    suffix = path[dot:] if dot > max(path.rfind("/"), path.rfind("\\")) + 1 else ""
    if suffix.lower() in SUFFIXES[kind]:
        return ""
    return f"named {suffix or 'without type'}, is {kind}"


def _digests(row: Row, files: memoryview, pixels: memoryview) -> bytes:
    file = files[row.file_at : row.file_at + row.size_bytes]
    decoded = pixels[row.pixels_at : row.pixels_at + row.pixels_size]
    return sha256(file).digest() + pixel_digest(row.width, row.height, decoded).digest()


def _read_slowly(path: str) -> ImageStats | Unreadable:
    from bccurate.images.decode import (
        read_image_stats,  # late: numpy and Pillow, for those who need
    )

    return read_image_stats(path)
