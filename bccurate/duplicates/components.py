"""Find connected components: what must stay together because a chain of pairs joins it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np


def connected(n: int, i: np.ndarray, j: np.ndarray) -> list[int]:
    """Return n numbers, equal where the pairs ``i[k], j[k]`` join one node to the other."""
    # late: takes 0.3 s to load, and the search for duplicates in a folder does not call this
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(i), dtype=bool), (i, j)), shape=(n, n))
    return connected_components(graph, directed=False)[1].tolist() if n else []


def join_groups(*columns: Sequence[Hashable]) -> list[int]:
    """Return N numbers, equal where a chain of equal values in any of the columns joins two rows.

    Args:
        columns: N values each (pixel hash, duplicate group, patient); None joins nothing.
    """
    pairs: list[tuple[int, int]] = []
    for column in columns:
        first: dict[Hashable, int] = {}
        pairs += [(first.setdefault(v, i), i) for i, v in enumerate(column) if v is not None]
    i, j = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return connected(len(columns[0]), i, j)
