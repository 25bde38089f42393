"""Hashes and statistics of one image file, as every command reads them."""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import Any, NamedTuple

import numpy as np

from bccurate.images.decode import FORMATS, SUFFIXES, decode, read_bytes
from bccurate.images.hashing import ALL, KNOWN, imagehash_of, measure_into
from bccurate.native.image_measure import FIELDS, MEASURED, STATISTICS

# What a worker sends for an image: what the kernel measures, and what is known of the file.
RECORD = np.dtype(
    [
        *FIELDS,
        *((name, "i8") for name in ("width", "height", "size_bytes", "format")),
        ("filehash", "V32"),
        ("pixelhash", "V32"),
    ]
)
_OF_FILE = Struct("=qqqq32s32s")  # the fields that follow those of the kernel


@dataclass(frozen=True, slots=True)
class ImageStats:
    """Hashes and statistics of a file that decodes.

    Attributes:
        filepath: as given.
        filehash: SHA-256 of the file's bytes.
        pixelhash: SHA-256 of shape and RGB pixels; equal exactly where the decoded pixels are.
        width, height: pixels.
        size_bytes: of the file.
        format: one of ``decode.FORMATS``.
        phash, dhash, ahash: 16 hexadecimal digits, equal to imagehash's.
        whash: the same, or None where only imagehash itself can compute it (see
            ``images.hashing``).
        intensity_mean, intensity_std: of the grey image, 0 to 255.
        sharpness: variance of the Laplacian of the grey image.
        thumb: the 32x32 grey thumbnail of ``images.thumbnail``, base64.
        note: what is unusual about the file, else ``""``.
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
    """A file that does not decode, and the reason in a few words."""

    filepath: str
    reason: str


class Batch(NamedTuple):
    """What a worker measured of N files.

    Attributes:
        paths: of the files.
        records: (N,) of ``RECORD``; zeros for a file that does not decode.
        notes: of ``ImageStats``, by index, where there is one.
        unreadable: the reason by index of each file that does not decode.
    """

    paths: Sequence[str]
    records: np.ndarray
    notes: dict[int, str]
    unreadable: dict[int, str]


def measure_file(path: str, record: np.ndarray, method: str | None = None) -> str:
    """Read, decode, hash and measure a file into ``record``, a (1,) array of ``RECORD``.

    Args:
        path: of the file.
        record: written to.
        method: compute this hash alone, and no digest of file or pixels; all where None.

    Returns:
        the note of ``ImageStats``.

    Raises:
        UnreadableImage: with the reason as its message.
    """
    data = read_bytes(path)
    image = decode(data)
    height, width = image.pixels.shape[:2]
    measure_into(image.pixels, record, KNOWN[method] | STATISTICS if method else ALL)
    exact = method or "phash"  # the others are left to ``workers.hash_many``
    if not record["known"][0] & KNOWN[exact]:
        record[exact] = int(imagehash_of(image.pixels, exact), 16)
    filehash = pixelhash = b""
    if method is None:
        filehash = sha256(data).digest()
        digest = sha256(f"({width}, {height})".encode())
        digest.update(np.ascontiguousarray(image.pixels).data)
        pixelhash = digest.digest()
    _OF_FILE.pack_into(
        record.view(np.uint8).data, MEASURED.itemsize,
        width, height, len(data), FORMATS.index(image.format), filehash, pixelhash,
    )  # fmt: skip
    return "; ".join(filter(None, [image.note, _name_note(path, image.format)]))


def stats_of_batches(batches: Iterable[Batch]) -> Iterator[ImageStats | Unreadable]:
    """Yield the statistics of each file of the batches, in order."""
    for batch in batches:
        for index, record in enumerate(batch.records.tolist()):
            path = batch.paths[index]
            if index in batch.unreadable:
                yield Unreadable(path, batch.unreadable[index])
            else:
                yield stats_of(record, path, batch.notes.get(index, ""))


def stats_of(record: Any, filepath: str, note: str) -> ImageStats:
    """Return the statistics in a record of ``RECORD``, as ``record.tolist()`` gives it."""
    (known, phash, dhash, ahash, whash, grey_sum, grey_squares, edge_sum, edge_squares, thumb,
     width, height, size, kind, filehash, pixelhash) = record  # fmt: skip
    n, edges = width * height, max(0, width - 2) * max(0, height - 2)
    return ImageStats(
        filepath=filepath,
        filehash=filehash.hex(),
        pixelhash=pixelhash.hex(),
        width=width,
        height=height,
        size_bytes=size,
        format=FORMATS[kind],
        phash=f"{phash:016x}",
        dhash=f"{dhash:016x}",
        ahash=f"{ahash:016x}",
        whash=f"{whash:016x}" if known & KNOWN["whash"] else None,
        intensity_mean=grey_sum / n,
        intensity_std=variance(n, grey_sum, grey_squares) ** 0.5,
        sharpness=variance(edges, edge_sum, edge_squares),
        thumb=binascii.b2a_base64(thumb, newline=False).decode("ascii"),
        note=note,
    )


def variance(n: int, total: int, squares: int) -> float:
    """Return the variance of n integers from their sum and sum of squares; 0.0 for n = 0."""
    return (n * squares - total * total) / (n * n) if n else 0.0


def _name_note(path: str, kind: str) -> str:
    """Return a note where the file's suffix names another format than its content has."""
    dot = path.rfind(".")
    suffix = path[dot:] if dot > max(path.rfind("/"), path.rfind("\\")) + 1 else ""
    if suffix.lower() in SUFFIXES[kind]:
        return ""
    return f"named {suffix or 'without type'}, is {kind}"
