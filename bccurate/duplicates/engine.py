"""The three heavy steps of a search for duplicates, as functions that can be exchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bccurate.duplicates.hamming import HashPairs, near_pairs
from bccurate.duplicates.pair_search import SimilarPairs, similar_pairs
from bccurate.images.image_stats import Batch, ImageStats, Unreadable, stats_of_batches
from bccurate.images.workers import read_batches


@dataclass(frozen=True)
class Engine:
    """Where the heavy steps run; the result is the same everywhere.

    Attributes:
        read: as ``workers.read_batches``, of paths and a method or None.
        near_pairs: as ``hamming.near_pairs``.
        similar_pairs: as ``pair_search.similar_pairs``.
    """

    read: Callable[[Sequence[str], str | None], Iterator[Batch]]
    near_pairs: Callable[[np.ndarray, int], HashPairs]
    similar_pairs: Callable[[np.ndarray, bool], SimilarPairs]

    def read_stats(self, paths: Sequence[str]) -> Iterator[ImageStats | Unreadable]:
        """Yield the statistics of files as ``workers.read_many`` does."""
        return stats_of_batches(self.read(paths, None))


LOCAL = Engine(read_batches, near_pairs, similar_pairs)
