"""Where the heavy steps of a search for duplicates run; the outcome is the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from bccurate.duplicates.hamming import near_pairs
from bccurate.duplicates.pair_search import similar_pairs
from bccurate.errors import UsageError
from bccurate.images.image_stats import ImageStats, Unreadable
from bccurate.images.workers import read_many

ENGINES = ("local", "ray")


@dataclass(frozen=True)
class Engine:
    """Three functions.

    Attributes:
        read: as ``workers.read_many``.
        near_pairs: as ``matching.near_pairs``.
        similar_pairs: as ``registration.similar_pairs``.
    """

    read: Callable[[Sequence[str]], Iterator[ImageStats | Unreadable]]
    near_pairs: Callable[[np.ndarray, int], Any]
    similar_pairs: Callable[[np.ndarray, int], Any]


LOCAL = Engine(read_many, near_pairs, similar_pairs)


def connected(name: str, address: str = "auto") -> AbstractContextManager[Engine]:
    """The engine of that name, for a ``with`` block.

    Args:
        name: one of ``ENGINES``.
        address: of the Ray cluster, see ``ray_engine.connected``.

    Raises:
        UsageError: an unknown name; with ``ray`` what ``ray_engine.connected`` raises.
    """
    if name not in ENGINES:
        raise UsageError(f"Unknown engine {name!r}; known: {', '.join(ENGINES)}")
    if name == "local":
        return nullcontext(LOCAL)
    from bccurate.duplicates import ray_engine  # only here: most machines have no Ray

    return ray_engine.connected(address)
