"""Random numbers from a seed and the number of the draw alone: splitmix64.

Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators". There is no state to
share: a sample's numbers hang neither on its neighbours nor on threads, and no global generator is
touched. Drawn on the host, a few numbers an image; what is decided by them runs on the device.
"""

from __future__ import annotations

import numpy as np
import torch

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


class Draws:
    """Draws for N samples at once: each method gives one number a sample, (N,), and moves on.

    Every sample draws every number whether it needs it or not, so that the n-th draw means the
    same for all.
    """

    def __init__(self, seeds: torch.Tensor) -> None:
        """``seeds`` int64 (N,); negative ones are seeds too."""
        self._state = seeds.cpu().numpy().astype(np.int64).view(np.uint64)

    def reorder(self, order: np.ndarray) -> None:
        """Go on as the draws of the samples ``order`` (N,)."""
        self._state = self._state[order]

    def bits(self) -> np.ndarray:
        """uint64 (N,): the next outputs of splitmix64."""
        self._state = self._state + _GOLDEN
        out = self._state
        for shift, factor in _MIX:
            out = (out ^ (out >> np.uint64(shift))) * np.uint64(factor)
        return out ^ (out >> np.uint64(31))

    def uniform(self, low: float = 0.0, high: float = 1.0) -> np.ndarray:
        """float64 (N,) in [low, high)."""
        return low + (high - low) * ((self.bits() >> np.uint64(11)) * 2.0**-53)

    def integers(self, n: int) -> np.ndarray:
        """int64 (N,) of 0 to n - 1."""
        return (self.uniform() * n).astype(np.int64)

    def chance(self, probability: float) -> np.ndarray:
        """bool (N,), true with ``probability``."""
        return self.uniform() < probability

    def signs(self) -> np.ndarray:
        """float64 (N,) of -1 and 1."""
        return np.where(self.chance(0.5), 1.0, -1.0)

    def simplex(self, k: int) -> np.ndarray:
        """float64 (N, k), rows of sum 1: Dirichlet(1, ..., 1), as normalised exponentials."""
        parts = np.stack([-np.log1p(-self.uniform()) for _ in range(k)], axis=1)
        parts += np.finfo(np.float64).tiny  # k draws of 0 share alike
        return parts / parts.sum(axis=1, keepdims=True)
