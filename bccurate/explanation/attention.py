"""How much of a map lies on the cell: the energy-based pointing game, its lift, the pointing game.

Energy: Wang et al. 2020, "Score-CAM" (https://arxiv.org/abs/1910.01279), section 4.3, with a mask
in the place of a box. A large cell flatters it: a map that is the same everywhere scores the
cell's share of the picture. So the lift over that share is told, too. Pointing game: Zhang et al.
2018, "Top-down neural attention by excitation backprop" (https://arxiv.org/abs/1608.00507), here
without their tolerance of 15 pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np


@dataclass(frozen=True)
class Attention:
    """One map. ``energy`` in [0, 1] is the share of the map's sum that lies on the cell;
    ``area`` in [0, 1] the cell's share of the picture; ``hit`` whether the maximum is on it."""

    energy: float
    area: float
    hit: bool

    @property
    def lift(self) -> float:
        """``energy`` by ``area``: above 0; 1 is a map that does not know of the cell."""
        return self.energy / self.area


def attention(heat: np.ndarray, mask: np.ndarray) -> Attention | None:
    """What a map says of a cell.

    Args:
        heat: (H, W), not negative, on any scale.
        mask: (h, w) bool of the same picture; it is brought to the size of the map, and pixels on
            its edge count by the share that is cell.

    Returns:
        None where the map has no positive evidence or the mask no cell: there is no share then.
    """
    inside = _covered(mask, heat.shape)
    total, area = float(heat.sum(dtype=np.float64)), float(inside.mean(dtype=np.float64))
    if total <= 0 or area <= 0:
        return None
    # Of several maxima, on a plateau, all count alike.
    hit = float(inside[heat == heat.max()].mean()) >= 0.5
    return Attention(float((heat * inside).sum(dtype=np.float64)) / total, area, hit)


def _covered(mask: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """A mask at another size, float64 in [0, 1]: how much of each pixel is cell, exactly."""
    rows, columns = (_overlap(own, new) for own, new in zip(mask.shape, shape, strict=True))
    return rows @ mask @ columns.T


@lru_cache(maxsize=16)
def _overlap(own: int, new: int) -> np.ndarray:
    """(new, own): which share of each of ``new`` equal parts of a line each of ``own`` covers."""
    ends, cells = np.linspace(0, own, new + 1), np.arange(own)
    covered = np.minimum(ends[1:, None], cells + 1) - np.maximum(ends[:-1, None], cells)
    return covered.clip(0) * (new / own)


def summary(
    energies: Sequence[float], lifts: Sequence[float], hits: Sequence[bool]
) -> dict[str, float | int]:
    """Of N maps: n, attention (mean energy), lift (the median: a tiny cell's is huge) and
    pointing_game (the share of hits)."""
    return {
        "n": len(energies),
        "attention": float(np.mean(energies)),
        "lift": float(np.median(lifts)),
        "pointing_game": float(np.mean(hits)),
    }
