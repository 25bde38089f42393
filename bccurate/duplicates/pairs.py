"""Which pictures are near duplicates of each other, pair by pair, and why.

Candidates come from hashes within a threshold and, in sets that are not too large, from all pairs
of small pictures that look alike. In either case ``duplicates.pair_search`` confirms them: single
cells look alike, and a hash alone calls strangers twins.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bccurate.duplicates.dihedral import TURNS, turned_hashes
from bccurate.duplicates.engine import LOCAL, Engine
from bccurate.duplicates.hamming import cross_pairs
from bccurate.duplicates.pair_search import Pairs, confirmed

MAX_SEARCHED = 100_000  # all pairs of small pictures are compared up to here; hashes have no bound
_DECIMALS = 4  # of a similarity: what is finer than that is rounding, and must not order pairs


class Links(NamedTuple):
    """Confirmed pairs, (P,) arrays, the most alike first, each pair once.

    ``i < j`` are indices; ``distance`` is in bits of 64, ``similarity`` in [0.98, 1]; ``turn``
    0 to 7 is what the second picture needs to fall on the first.
    """

    i: np.ndarray
    j: np.ndarray
    distance: np.ndarray
    similarity: np.ndarray
    turn: np.ndarray


def find_links(
    hashes: np.ndarray,
    thumbs: np.ndarray,
    threshold: int,
    turns: int = 1,
    engine: Engine = LOCAL,
) -> Links:
    """All confirmed pairs of N pictures.

    Args:
        hashes: (N,) uint64 perceptual hashes.
        thumbs: (N, 32, 32) uint8 of ``registration.thumbnail``.
        threshold: largest distance in bits of a candidate.
        turns: 8 to match the rotations by 90 degrees and the flips too, else 1. A turned
            candidate is judged by the phash of the small pictures.
        engine: where candidates are searched; the outcome is the same.
    """
    i, j, _ = engine.near_pairs(hashes, threshold)
    found = [confirmed(thumbs, i, j)]
    turned = turned_hashes(thumbs) if turns > 1 else np.empty((0, len(hashes)), dtype=np.uint64)
    for turn in range(1, turns):
        i, j, _ = cross_pairs(turned[0], turned[turn], threshold)
        found.append(confirmed(thumbs, i[i < j], j[i < j], turn))
    if len(hashes) <= MAX_SEARCHED:
        found.append(engine.similar_pairs(thumbs, turns))
    pairs = _closest_first(found)
    return Links(pairs.i, pairs.j, _distances(hashes, turned, pairs), pairs.similarity, pairs.turn)


def why(distance: int, similarity: float, turn: int, threshold: int) -> str:
    """What made a pair, in words."""
    bits = f"hash {distance} {'bit' if distance == 1 else 'bits'} apart"
    found = bits if distance <= threshold else "looks alike in small"
    changed = TURNS[turn].replace("rotated", "a rotation").replace("flipped", "a flip")
    return f"{found}, correlation {similarity:.3f} " + (f"after {changed}" if turn else "aligned")


def _closest_first(tables: list[Pairs]) -> Pairs:
    """Each pair once, with its highest similarity; of equal ones the lowest turn."""
    i, j, similarity, turn = (np.concatenate(column) for column in zip(*tables, strict=True))
    similarity = np.round(similarity.astype(np.float64), _DECIMALS)
    order = np.lexsort((turn, -similarity, j, i))
    first = np.ones(len(order), dtype=bool)
    first[1:] = (np.diff(i[order]) != 0) | (np.diff(j[order]) != 0)
    kept = order[first]
    kept = kept[np.argsort(-similarity[kept], kind="stable")]
    return Pairs(i[kept], j[kept], similarity[kept], turn[kept])


def _distances(hashes: np.ndarray, turned: np.ndarray, pairs: Pairs) -> np.ndarray:
    """Differing bits of the first picture and the second in its turn, (P,) int64."""
    distance = np.bitwise_count(hashes[pairs.i] ^ hashes[pairs.j]).astype(np.int64)
    rows = np.flatnonzero(pairs.turn)
    if len(rows):
        other = turned[pairs.turn[rows], pairs.j[rows]]
        distance[rows] = np.bitwise_count(turned[0, pairs.i[rows]] ^ other)
    return distance
