"""Find the pairs of thumbnails that show the same cell, shifted, scaled, rotated or relit.

Hashes alone give false positives on single cells, and a threshold low enough to avoid them misses a
shift of two pixels. So all pairs pass the prefilter (``duplicates.prefilter``); what is left is
registered (``duplicates.registration``) and must correlate by 0.98.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bccurate.duplicates import prefilter, registration
from bccurate.native.threads import in_threads

MIN_SIMILARITY = 0.98  # on 12,000 real cells the best false pair reaches 0.976, rotated 0.978
_ROWS = 64  # first images of one thread's task
_PAIRS = 1024  # pairs of one thread's task


class SimilarPairs(NamedTuple):
    """P pairs of images, sorted by (i, j), each once.

    Attributes:
        i: (P,) int64.
        j: (P,) int64.
        similarity: (P,) float64 in [0.98, 1].
        rotation: (P,) int8, 0 to 7, maps the second image onto the first
            (``registration.rotated``).
    """

    i: np.ndarray
    j: np.ndarray
    similarity: np.ndarray
    rotation: np.ndarray


def similar_pairs(
    thumbs: np.ndarray, rotations: bool = False, part: tuple[int, int] = (0, 1)
) -> SimilarPairs:
    """Find all pairs that pass prefilter and registration, whatever the number of threads.

    Args:
        thumbs: (N, 32, 32) uint8.
        rotations: compare the rotations by 90 degrees and the flips too.
        part: (k, n): the k-th of n equal shares of the work. The shares have no pair in common and
            together hold all.

    Returns:
        Pairs with i < j, each with its best rotation, the lowest of equally good ones.

    Raises:
        ValueError: thumbnails of another shape or type, no such part.

    Memory: 2.1 kB an image, beside its thumbnail.
    """
    k, n = part
    if not 0 <= k < n:
        raise ValueError(f"part is (k, n) with 0 <= k < n, not {part}")
    descriptors = prefilter.describe(thumbs)

    def found(block: range) -> SimilarPairs:
        rows = range(block[0] * _ROWS, min(block[0] * _ROWS + _ROWS, len(thumbs)))
        return _confirm(thumbs, *prefilter.candidates(descriptors, rows, rotations))

    return _best_of_each(in_threads(found, range(k, -(-len(thumbs) // _ROWS), n), 1))


def confirm(
    thumbs: np.ndarray, i: np.ndarray, j: np.ndarray, rotation: int | np.ndarray = 0
) -> SimilarPairs:
    """Return those of P pairs that pass registration; ``rotation`` is one for all, or (P,)."""
    rotation = np.broadcast_to(np.asarray(rotation, dtype=np.int8), i.shape)

    def found(rows: range) -> SimilarPairs:
        part = slice(rows.start, rows.stop)
        return _confirm(thumbs, i[part], j[part], rotation[part])

    return _best_of_each(in_threads(found, range(len(i)), _PAIRS))


def aligned_similarity(
    thumbs: np.ndarray, i: np.ndarray, j: np.ndarray, rotation: int | np.ndarray = 0
) -> np.ndarray:
    """Return the correlation of P pairs' overlap after registration, (P,) float64 in [-1, 1].

    ``thumbs`` is (N, 32, 32) uint8; the second image is rotated first by ``rotation``, 0 to 7, or
    (P,) of them. The result is the same for (i, j) and (j, i).
    """
    rotation = np.broadcast_to(np.asarray(rotation, dtype=np.int8), i.shape)

    def found(rows: range) -> np.ndarray:
        part = slice(rows.start, rows.stop)
        return registration.similarity(thumbs, i[part], j[part], rotation[part])

    return np.concatenate([np.empty(0), *in_threads(found, range(len(i)), _PAIRS)])


def _confirm(
    thumbs: np.ndarray, i: np.ndarray, j: np.ndarray, rotation: np.ndarray
) -> SimilarPairs:
    similarity = registration.similarity(thumbs, i, j, rotation).astype(np.float64)
    sure = similarity >= MIN_SIMILARITY
    return SimilarPairs(i[sure], j[sure], np.minimum(similarity[sure], 1), rotation[sure])


def _best_of_each(found: list[SimilarPairs]) -> SimilarPairs:
    """Keep each pair once, with its highest similarity and the lowest rotation that has it."""
    if not found:
        none = np.empty(0, dtype=np.int64)
        return SimilarPairs(none, none, none.astype(np.float64), none.astype(np.int8))
    i, j, similarity, rotation = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((rotation, -similarity, j, i))
    i, j, similarity, rotation = i[order], j[order], similarity[order], rotation[order]
    first = np.ones(len(i), dtype=bool)
    first[1:] = (i[1:] != i[:-1]) | (j[1:] != j[:-1])
    return SimilarPairs(i[first], j[first], similarity[first], rotation[first])
