"""What one decode tells of a file: the facts that every command takes from it.

No numpy and no Pillow here: the processes that read files start with this.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import Any

from bccurate.native import image_kernels as images

METHODS = ("phash", "dhash", "ahash", "whash")
KNOWN = {"phash": images.PHASH, "dhash": images.DHASH, "ahash": images.AHASH, "whash": images.WHASH}


@dataclass(frozen=True, slots=True)
class ImageStats:
    """What one decode tells of a file.

    Attributes:
        filepath: as it was given.
        filehash: SHA-256 of the file's bytes; facts are cached by it.
        pixelhash: SHA-256 of shape and RGB pixels; equal exactly where the decoded pixels are.
        width, height: pixels.
        size_bytes: of the file.
        format: Pillow's name, one of ``reading.FORMATS``.
        phash, dhash, ahash: 16 hexadecimal digits, equal to imagehash's.
        whash: the same, or None where only imagehash itself can say (see ``images.hashing``).
        intensity_mean, intensity_std: of the grey image, 0 to 255.
        sharpness: variance of the Laplacian of the grey image.
        thumb: the 32x32 grey picture of ``duplicates.pair_search``, base64.
        note: what is odd about the file though it decodes, else ``""``.
    """

    filepath: str
    filehash: str
    pixelhash: str
    width: int
    height: int
    size_bytes: int
    format: str
    phash: str
    dhash: str
    ahash: str
    whash: str | None
    intensity_mean: float
    intensity_std: float
    sharpness: float
    thumb: str
    note: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that does not decode, and why in a few words."""

    filepath: str
    reason: str


def hash_of(row: Any, method: str) -> str | None:
    """A hash of a row of numbers as text, or None where it is not sure."""
    return f"{getattr(row, method):016x}" if row.known & KNOWN[method] else None


def make_image_stats(
    row: Any, filepath: str, filehash: str, pixelhash: str, kind: str, phash: str, note: str
) -> ImageStats:
    """The facts of a file from a row of ``native.image_kernels`` and what stands beside it."""
    width, height = row.width, row.height
    n, edges = width * height, max(0, width - 2) * max(0, height - 2)
    return ImageStats(
        filepath=filepath,
        filehash=filehash,
        pixelhash=pixelhash,
        width=width,
        height=height,
        size_bytes=row.size_bytes,
        format=kind,
        phash=phash,
        dhash=f"{row.dhash:016x}",
        ahash=f"{row.ahash:016x}",
        whash=hash_of(row, "whash"),
        intensity_mean=row.grey_sum / n,
        intensity_std=variance(n, row.grey_sum, row.grey_squares) ** 0.5,
        sharpness=variance(edges, row.edge_sum, row.edge_squares),
        thumb=binascii.b2a_base64(row.thumb, newline=False).decode("ascii"),
        note=note,
    )


def variance(n: int, total: int, squares: int) -> float:
    """The variance of n whole numbers from their sum and sum of squares; 0.0 of none."""
    return (n * squares - total * total) / (n * n) if n else 0.0
