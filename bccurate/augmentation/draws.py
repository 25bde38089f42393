"""Draw random numbers per sample from its seed alone, by splitmix64.

Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators". A sample's numbers
do not depend on other samples or on threads, and no global generator is used. Numbers are drawn on
the CPU, a few per image.
"""

from __future__ import annotations

import numpy as np
import torch

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


class Draws:
    """Random numbers of N samples: each method draws the next one of every sample, (N,).

    Every sample draws every number, needed or not, so that the n-th draw has the same meaning for
    all.
    """

    def __init__(self, seeds: torch.Tensor) -> None:
        """Start from ``seeds`` int64 (N,), which may be negative."""
        self._state = seeds.cpu().numpy().astype(np.int64).view(np.uint64)

    def reorder(self, order: np.ndarray) -> None:
        """Continue with the samples ``order`` (N,)."""
        self._state = self._state[order]

    def bits(self) -> np.ndarray:
        """Return the next outputs of splitmix64, uint64 (N,)."""
        self._state = self._state + _GOLDEN
        out = self._state
        for shift, factor in _MIX:
            out = (out ^ (out >> np.uint64(shift))) * np.uint64(factor)
        return out ^ (out >> np.uint64(31))

    def uniform(self, low: float = 0.0, high: float = 1.0) -> np.ndarray:
        """Return uniform numbers in [low, high), float64 (N,)."""
        return low + (high - low) * ((self.bits() >> np.uint64(11)) * 2.0**-53)

    def integers(self, n: int) -> np.ndarray:
        """Return uniform integers of 0 to n - 1, int64 (N,)."""
        return (self.uniform() * n).astype(np.int64)

    def chance(self, probability: float) -> np.ndarray:
        """Return bool (N,), True with ``probability``."""
        return self.uniform() < probability

    def signs(self) -> np.ndarray:
        """Return -1 or 1 with equal probability, float64 (N,)."""
        return np.where(self.chance(0.5), 1.0, -1.0)

    def simplex(self, k: int) -> np.ndarray:
        """Return Dirichlet(1, ..., 1), float64 (N, k), as normalised exponentials."""
        parts = np.stack([-np.log1p(-self.uniform()) for _ in range(k)], axis=1)
        parts += np.finfo(np.float64).tiny  # avoids 0 / 0
        return parts / parts.sum(axis=1, keepdims=True)
