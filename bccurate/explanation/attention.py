"""Measure how much of a heatmap lies on the cell: energy, lift and pointing game.

Energy: Wang et al. 2020, "Score-CAM" (https://arxiv.org/abs/1910.01279), section 4.3, with a mask
instead of a box. It is high for large cells: a uniform map scores the cell's share of the image.
The lift divides by that share. Pointing game: Zhang et al. 2018, "Top-down neural attention by
excitation backprop" (https://arxiv.org/abs/1608.00507), here without their tolerance of 15 pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np


@dataclass(frozen=True)
class Attention:
    """Attention of one map on one cell.

    Attributes:
        energy: share of the map's sum that lies on the cell, in [0, 1].
        area: share of the image that is cell, in (0, 1].
        hit: whether the map's maximum lies on the cell.
    """

    energy: float
    area: float
    hit: bool

    @property
    def lift(self) -> float:
        """``energy`` divided by ``area``, at least 0; 1 for a uniform map."""
        return self.energy / self.area


def attention(heat: np.ndarray, mask: np.ndarray) -> Attention | None:
    """Measure a map against a cell mask.

    Args:
        heat: (H, W), not negative, on any scale.
        mask: (h, w) bool of the same image; it is resized to the map, and pixels on its edge count
            by the share that is cell.

    Returns:
        None if the map is zero everywhere or the mask is empty.
    """
    inside = _covered(mask, heat.shape)
    total, area = float(heat.sum(dtype=np.float64)), float(inside.mean(dtype=np.float64))
    if total <= 0 or area <= 0:
        return None
    # If several pixels have the maximum, the majority decides.
    hit = float(inside[heat == heat.max()].mean()) >= 0.5
    return Attention(float((heat * inside).sum(dtype=np.float64)) / total, area, hit)


def _covered(mask: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Return the exact share of each pixel that the mask covers, float64 in [0, 1]."""
    rows, columns = (_overlap(own, new) for own, new in zip(mask.shape, shape, strict=True))
    return rows @ mask @ columns.T


@lru_cache(maxsize=16)
def _overlap(own: int, new: int) -> np.ndarray:
    """Return the share of each of ``new`` intervals that each of ``own`` covers, (new, own)."""
    ends, cells = np.linspace(0, own, new + 1), np.arange(own)
    covered = np.minimum(ends[1:, None], cells + 1) - np.maximum(ends[:-1, None], cells)
    return covered.clip(0) * (new / own)


def summary(
    energies: Sequence[float], lifts: Sequence[float], hits: Sequence[bool]
) -> dict[str, float | int]:
    """Return n, attention (mean energy), lift and pointing_game (share of hits) of several maps.

    The lift is the median, since that of a very small cell is huge.
    """
    return {
        "n": len(energies),
        "attention": float(np.mean(energies)),
        "lift": float(np.median(lifts)),
        "pointing_game": float(np.mean(hits)),
    }
