"""The three heavy steps of a search for duplicates, as functions that can be exchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bccurate.duplicates.hamming import HashPairs, near_pairs
from bccurate.duplicates.pair_search import SimilarPairs, similar_pairs
from bccurate.images.image_stats import ImageStats, Unreadable
from bccurate.images.workers import read_many


@dataclass(frozen=True)
class Engine:
    """Where the heavy steps run; the result is the same everywhere.

    Attributes:
        read: as ``workers.read_many``.
        near_pairs: as ``hamming.near_pairs``.
        similar_pairs: as ``pair_search.similar_pairs``.
    """

    read: Callable[[Sequence[str]], Iterator[ImageStats | Unreadable]]
    near_pairs: Callable[[np.ndarray, int], HashPairs]
    similar_pairs: Callable[[np.ndarray, bool], SimilarPairs]


LOCAL = Engine(read_many, near_pairs, similar_pairs)
