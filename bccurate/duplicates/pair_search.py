"""Which small pictures show the same thing, though one is shifted, scaled, turned or relit.

Single cells look alike, so a hash alone calls strangers twins, and a hash near enough to be safe
misses a shift of two pixels. All pairs go through two sieves (``duplicates.prefilter``); what is
left is aligned (``duplicates.registration``), and must correlate by 0.98.
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from bccurate.duplicates import prefilter as sieves
from bccurate.duplicates import registration as alignment
from bccurate.duplicates.registration import SIDE, turned
from bccurate.native.threads import in_threads

__all__ = [
    "MIN_SIMILARITY", "SIDE", "Pairs", "aligned_similarity", "confirmed", "from_text",
    "similar_pairs", "thumbnail", "to_text", "turned",
]  # fmt: skip

MIN_SIMILARITY = 0.98  # on 12,000 real cells the best false pair reaches 0.976, turned 0.978
_ROWS = 64  # a task of one thread: its first pictures,
_PAIRS = 1024  # or its pairs


class Pairs(NamedTuple):
    """P pairs of pictures, sorted by (i, j), each once.

    Attributes:
        i: (P,) int64.
        j: (P,) int64.
        similarity: (P,) float64 in [0.98, 1].
        turn: (P,) int8, which turn of the second picture matched (see ``turned``); 0 for none.
    """

    i: np.ndarray
    j: np.ndarray
    similarity: np.ndarray
    turn: np.ndarray


def thumbnail(grey: Image.Image) -> np.ndarray:
    """A (32, 32) uint8 picture of a grey image of any size."""
    return np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BOX))


def to_text(thumb: np.ndarray) -> str:
    """A (32, 32) uint8 picture as text, for a string field."""
    return binascii.b2a_base64(thumb.tobytes(), newline=False).decode("ascii")


def from_text(texts: Sequence[str]) -> np.ndarray:
    """The (N, 32, 32) uint8 pictures that ``to_text`` wrote."""
    data = b"".join(map(binascii.a2b_base64, texts))
    return np.frombuffer(data, dtype=np.uint8).reshape(-1, SIDE, SIDE)


def similar_pairs(thumbs: np.ndarray, turns: int = 1, part: tuple[int, int] = (0, 1)) -> Pairs:
    """All pairs that pass the sieves and the alignment, whatever the number of threads.

    Args:
        thumbs: (N, 32, 32) uint8.
        turns: 1, or 8 to match the rotations by 90 degrees and the flips too.
        part: (k, n): the k-th of n equal shares of the work. The shares have no pair in common and
            together hold all.

    Returns:
        Pairs with i < j, each with its best turn, the lowest of equally good ones.

    Raises:
        ValueError: pictures of another shape or type, another number of turns, no such part.

    Memory: 2.1 kB a picture, beside its own.
    """
    k, n = part
    if turns not in (1, 8) or not 0 <= k < n:
        raise ValueError(f"turns are 1 or 8, not {turns}; part is (k, n) with k < n, not {part}")
    known = sieves.described(thumbs)

    def found(block: range) -> Pairs:
        rows = range(block[0] * _ROWS, min(block[0] * _ROWS + _ROWS, len(thumbs)))
        return _confirmed(thumbs, *sieves.candidates(known, rows, turns))

    return _best_of_each(in_threads(found, range(k, -(-len(thumbs) // _ROWS), n), 1))


def confirmed(
    thumbs: np.ndarray, i: np.ndarray, j: np.ndarray, turn: int | np.ndarray = 0
) -> Pairs:
    """Those of P pairs that pass the alignment; ``turn`` is one for all, or (P,)."""
    turn = np.broadcast_to(np.asarray(turn, dtype=np.int8), i.shape)

    def found(rows: range) -> Pairs:
        part = slice(rows.start, rows.stop)
        return _confirmed(thumbs, i[part], j[part], turn[part])

    return _best_of_each(in_threads(found, range(len(i)), _PAIRS))


def aligned_similarity(
    thumbs: np.ndarray, i: np.ndarray, j: np.ndarray, turn: int | np.ndarray = 0
) -> np.ndarray:
    """Correlation of P pairs' overlap after alignment, (P,) float64 in [-1, 1].

    ``thumbs`` is (N, 32, 32) uint8; ``turn`` 0 to 7, or (P,) of them, turns the second picture
    first. It is the same for (i, j) and (j, i).
    """
    turn = np.broadcast_to(np.asarray(turn, dtype=np.int8), i.shape)

    def found(rows: range) -> np.ndarray:
        part = slice(rows.start, rows.stop)
        return alignment.similarity(thumbs, i[part], j[part], turn[part])

    return np.concatenate([np.empty(0), *in_threads(found, range(len(i)), _PAIRS)])


def _confirmed(thumbs: np.ndarray, i: np.ndarray, j: np.ndarray, turn: np.ndarray) -> Pairs:
    similarity = alignment.similarity(thumbs, i, j, turn).astype(np.float64)
    sure = similarity >= MIN_SIMILARITY
    return Pairs(i[sure], j[sure], np.minimum(similarity[sure], 1), turn[sure])


def _best_of_each(found: list[Pairs]) -> Pairs:
    """Each pair once, with its highest similarity and the lowest turn that has it."""
    if not found:
        none = np.empty(0, dtype=np.int64)
        return Pairs(none, none, none.astype(np.float64), none.astype(np.int8))
    i, j, similarity, turn = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((turn, -similarity, j, i))
    i, j, similarity, turn = i[order], j[order], similarity[order], turn[order]
    first = np.ones(len(i), dtype=bool)
    first[1:] = (i[1:] != i[:-1]) | (j[1:] != j[:-1])
    return Pairs(i[first], j[first], similarity[first], turn[first])
