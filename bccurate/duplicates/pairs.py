"""Find the pairs of near duplicates, and explain them.

Candidates come from hashes within a threshold and, in sets that are not too large, from all pairs
of similar thumbnails. In either case ``duplicates.pair_search`` confirms them: single cells look
alike, and hashes alone give false positives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bccurate.duplicates.dihedral import ROTATIONS, rotated_hashes
from bccurate.duplicates.engine import LOCAL, Engine
from bccurate.duplicates.hamming import cross_pairs
from bccurate.duplicates.pair_search import SimilarPairs, confirm

MAX_SEARCHED = 100_000  # images up to which all pairs of thumbnails are compared
_DECIMALS = 4  # of a similarity: smaller differences are rounding and must not order pairs


@dataclass(frozen=True)
class SearchOptions:
    """Which candidates are compared.

    Attributes:
        threshold: largest Hamming distance of a candidate, in bits of 64.
        rotations: compare the rotations by 90 degrees and the flips too. A rotated candidate is
            selected by the phash of the thumbnails.
    """

    threshold: int
    rotations: bool = False


class DuplicatePairs(NamedTuple):
    """Confirmed pairs, (P,) arrays, the most similar first, each pair once.

    ``i < j`` are indices; ``distance`` is in bits of 64, ``similarity`` in [0.98, 1]; ``rotation``
    0 to 7 maps the second image onto the first.
    """

    i: np.ndarray
    j: np.ndarray
    distance: np.ndarray
    similarity: np.ndarray
    rotation: np.ndarray


def find_pairs(
    hashes: np.ndarray, thumbs: np.ndarray, search: SearchOptions, engine: Engine = LOCAL
) -> DuplicatePairs:
    """Find all confirmed pairs of N images.

    Args:
        hashes: (N,) uint64 perceptual hashes.
        thumbs: (N, 32, 32) uint8 of ``images.thumbnail``.
        search: which candidates are compared.
        engine: where candidates are searched; the result is the same.
    """
    i, j, _ = engine.near_pairs(hashes, search.threshold)
    found = [confirm(thumbs, i, j)]
    rotated = np.empty((0, len(hashes)), dtype=np.uint64)
    if search.rotations:
        rotated = rotated_hashes(thumbs)
    for rotation in range(1, len(rotated)):
        i, j, _ = cross_pairs(rotated[0], rotated[rotation], search.threshold)
        found.append(confirm(thumbs, i[i < j], j[i < j], rotation))
    if len(hashes) <= MAX_SEARCHED:
        found.append(engine.similar_pairs(thumbs, search.rotations))
    pairs = _closest_first(found)
    distance = _distances(hashes, rotated, pairs)
    return DuplicatePairs(pairs.i, pairs.j, distance, pairs.similarity, pairs.rotation)


def explain(distance: int, similarity: float, rotation: int, threshold: int) -> str:
    """Say in words why a pair is one."""
    bits = f"hash {distance} {'bit' if distance == 1 else 'bits'} apart"
    found = bits if distance <= threshold else "similar thumbnails"
    changed = ROTATIONS[rotation].replace("rotated", "a rotation").replace("flipped", "a flip")
    return f"{found}, correlation {similarity:.3f} after {changed if rotation else 'registration'}"


def _closest_first(tables: list[SimilarPairs]) -> SimilarPairs:
    """Keep each pair once, with its highest similarity; of equal ones the lowest rotation."""
    i, j, similarity, rotation = (np.concatenate(column) for column in zip(*tables, strict=True))
    similarity = np.round(similarity.astype(np.float64), _DECIMALS)
    order = np.lexsort((rotation, -similarity, j, i))
    first = np.ones(len(order), dtype=bool)
    first[1:] = (np.diff(i[order]) != 0) | (np.diff(j[order]) != 0)
    kept = order[first]
    kept = kept[np.argsort(-similarity[kept], kind="stable")]
    return SimilarPairs(i[kept], j[kept], similarity[kept], rotation[kept])


def _distances(hashes: np.ndarray, rotated: np.ndarray, pairs: SimilarPairs) -> np.ndarray:
    """Count the differing bits of the first image and the rotated second one, (P,) int64."""
    distance = np.bitwise_count(hashes[pairs.i] ^ hashes[pairs.j]).astype(np.int64)
    rows = np.flatnonzero(pairs.rotation)
    if len(rows):
        other = rotated[pairs.rotation[rows], pairs.j[rows]]
        distance[rows] = np.bitwise_count(rotated[0, pairs.i[rows]] ^ other)
    return distance
