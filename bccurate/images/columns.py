"""Files to the columns that a search for duplicates takes, and to nothing else.

Threads of this process decode plain files by the compiled kernels, which run without Python's lock.
What those leave is read as every command reads it: by Pillow, in processes of its own where there
is more than a handful of files. Pixels are digested only where two pictures could be equal.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from bccurate.duplicates.pair_search import SIDE, from_text
from bccurate.images.decode import decode_rgb
from bccurate.images.hashing import hash_pixels
from bccurate.images.image_stats import KNOWN, ImageStats, Unreadable, variance
from bccurate.images.plain import pixel_digest
from bccurate.images.workers import CHUNK, read_in_processes, read_many
from bccurate.native import image_kernels as images

_PICTURE = np.dtype(
    [
        ("readable", bool), ("hashed", bool), ("hash", np.uint64), ("width", np.int64),
        ("height", np.int64), ("std", np.float64), ("sharpness", np.float64),
    ]
)  # fmt: skip
_ROW = np.dtype(images.Row)


@dataclass(frozen=True)
class Columns:
    """What is known of N readable files.

    Attributes:
        paths: as they were given.
        pixelhashes: equal exactly where the decoded pixels are.
        hashes: (N,) uint64.
        areas: (N,) int64, pixels.
        intensity_std: (N,) float64, 0 to 255.
        sharpness: (N,) float64.
        thumbs: (N, 32, 32) uint8 of ``registration.thumbnail``.
    """

    paths: list[str]
    pixelhashes: list[str]
    hashes: np.ndarray
    areas: np.ndarray
    intensity_std: np.ndarray
    sharpness: np.ndarray
    thumbs: np.ndarray


def read_columns(
    paths: Sequence[str], method: str, workers: int | None = None
) -> tuple[Columns, list[Unreadable]]:
    """Read files; the columns keep their order and leave out those that do not decode.

    Args:
        paths: files.
        method: of the hashes, one of ``hashing.METHODS``.
        workers: threads, and processes for what the kernels leave; all cores where None.

    Raises:
        UnreadableImage: a file is gone when it is read again.
    """
    workers = workers or os.cpu_count() or 1
    pictures, thumbs = _read_quickly(paths, method, workers)
    pixelhashes, unreadable = _read_rest(paths, method, workers, pictures, thumbs)
    good = np.flatnonzero(pictures["readable"])
    for k in good[~pictures["hashed"][good]].tolist():
        pictures["hash"][k] = int(hash_pixels(decode_rgb(paths[k]), method), 16)
    suspects = [k for k in _suspects(pictures, thumbs, good) if k not in pixelhashes]
    with ThreadPoolExecutor(workers) as pool:
        digests = pool.map(_pixelhash, (paths[k] for k in suspects))
        pixelhashes.update(zip(suspects, digests, strict=True))
    found = pictures[good]
    columns = Columns(
        [paths[k] for k in good.tolist()],
        [pixelhashes.get(k) or f"like no other: {k}" for k in good.tolist()],
        found["hash"].copy(),
        found["width"] * found["height"],
        found["std"],
        found["sharpness"],
        thumbs[good],
    )
    return columns, unreadable


def _read_quickly(paths: Sequence[str], method: str, workers: int) -> tuple[np.ndarray, np.ndarray]:
    """(N,) pictures by the kernels and their thumbs; what these leave is not ``readable``."""
    rows = np.zeros(len(paths), dtype=_ROW)

    def fill(start: int) -> None:
        read = images.read_files(paths[start : start + CHUNK], KNOWN[method] | images.STATISTICS)
        for part, _, _ in read:
            rows[start : start + len(part)] = np.frombuffer(part, dtype=_ROW)
            start += len(part)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(fill, range(0, len(paths), CHUNK)))
    return _pictures(rows, method), rows["thumb"].reshape(-1, SIDE, SIDE)


def _pictures(rows: np.ndarray, method: str) -> np.ndarray:
    found = np.zeros(len(rows), dtype=_PICTURE)
    good = found["readable"] = rows["status"] == 1
    found["hashed"] = rows["known"] & KNOWN[method]
    found["hash"] = rows[method]
    found["width"], found["height"] = rows["width"], rows["height"]
    grey, edges = rows["width"] * rows["height"], (rows["width"] - 2) * (rows["height"] - 2)
    found["std"] = _variances(grey * good, rows["grey_sum"], rows["grey_squares"]) ** 0.5
    found["sharpness"] = _variances(edges * good, rows["edge_sum"], rows["edge_squares"])
    return found


def _variances(n: np.ndarray, total: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """``facts.variance`` of each row, to the bit: at once where no product is beyond a double."""
    most = int(n.max(initial=1))
    if most * max(most, int(squares.max(initial=0))) < 2**53:
        return np.where(n, n * squares - total * total, 0) / np.maximum(n * n, 1)
    rows = zip(n.tolist(), total.tolist(), squares.tolist(), strict=True)
    return np.array([variance(*row) for row in rows])


def _read_rest(
    paths: Sequence[str], method: str, workers: int, pictures: np.ndarray, thumbs: np.ndarray
) -> tuple[dict[int, str], list[Unreadable]]:
    """Fill in what the kernels left; its digests by index, and what does not decode."""
    left = np.flatnonzero(~pictures["readable"]).tolist()
    read = read_many if workers == 1 or len(paths) < CHUNK else read_in_processes
    digests: dict[int, str] = {}
    unreadable = []
    for k, facts in zip(left, read([paths[k] for k in left], workers), strict=True):
        if isinstance(facts, Unreadable):
            unreadable.append(facts)
        else:
            pictures[k] = _picture_of(facts, method)
            thumbs[k] = from_text([facts.thumb])[0]
            digests[k] = facts.pixelhash
    return digests, unreadable


def _picture_of(facts: ImageStats, method: str) -> tuple:
    """A row of ``_PICTURE``."""
    text = getattr(facts, method)
    return (
        True, text is not None, int(text or "0", 16), facts.width, facts.height,
        facts.intensity_std, facts.sharpness,
    )  # fmt: skip


def _suspects(pictures: np.ndarray, thumbs: np.ndarray, good: np.ndarray) -> list[int]:
    """Those of ``good`` whose pixels could equal another's: hash, shape and small picture do."""
    _, value, counts = np.unique(pictures["hash"][good], return_inverse=True, return_counts=True)
    alike: dict[tuple, list[int]] = defaultdict(list)
    for k in good[counts[value] > 1].tolist():
        alike[int(pictures["width"][k]), int(pictures["height"][k]), thumbs[k].tobytes()].append(k)
    return sorted(k for own in alike.values() if len(own) > 1 for k in own)


def _pixelhash(path: str) -> str:
    for rows, _, pixels in images.read_files([path], images.STATISTICS | images.PIXELS):
        row = rows[0]
        if row.status:
            return pixel_digest(row.width, row.height, pixels[: row.pixels_size]).hexdigest()
    rgb = decode_rgb(path)
    return pixel_digest(rgb.shape[1], rgb.shape[0], rgb.tobytes()).hexdigest()
