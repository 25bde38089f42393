"""Cover parts of images: cutout and grid mask."""

from __future__ import annotations

import numpy as np
import torch

from bccurate.augmentation.batches import per_image


def boxes(
    pixels: torch.Tensor, centre: tuple[np.ndarray, np.ndarray], size: tuple[np.ndarray, np.ndarray]
) -> torch.Tensor:
    """Return masks float32 (n, 1, H, W), 1 within one box each: cutout (DeVries and Taylor 2017).

    ``centre`` and ``size`` are (vertical, horizontal), each (n,), as shares of the sides.
    """
    spans = [
        (_positions(pixels, axis) - per_image(centre[axis][:, None], pixels)).abs_()
        < per_image(size[axis][:, None] / 2, pixels)
        for axis in (0, 1)
    ]
    return spans[0].float() * spans[1].float()


def grid(
    pixels: torch.Tensor,
    period: np.ndarray,
    hole: np.ndarray,
    offset: tuple[np.ndarray, np.ndarray],
) -> torch.Tensor:
    """Return masks float32 (n, 1, H, W), 1 within squares of a grid: GridMask (Chen et al. 2020).

    ``period`` (n,) is a share of the sides, ``hole`` and ``offset`` are shares of the period. A
    hole of 0 covers nothing.
    """
    spans = []
    for axis in (0, 1):
        steps = _positions(pixels, axis) / per_image(period[:, None], pixels)
        spans.append((steps + per_image(offset[axis][:, None], pixels)).frac_()
                     < per_image(hole[:, None], pixels))  # fmt: skip
    return spans[0].float() * spans[1].float()


def paint_(pixels: torch.Tensor, covered: torch.Tensor, fill: np.ndarray) -> None:
    """Fill with ``fill`` (n, 3), 0 to 255, in place where ``covered`` (n, 1, H, W) is 1."""
    pixels.mul_(1 - covered).addcmul_(covered, per_image(fill, pixels))


def _positions(pixels: torch.Tensor, axis: int) -> torch.Tensor:
    """Return pixel centres along an axis as shares of the side, (H, 1) or (W,)."""
    side = pixels.shape[2 + axis]
    shares = (torch.arange(side, device=pixels.device) + 0.5) / side
    return shares[:, None] if axis == 0 else shares
