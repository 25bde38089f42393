"""The eight symmetries of the square: a cell under a microscope has no upright position."""

from __future__ import annotations

import torch


def dihedral(images: torch.Tensor, elements: torch.Tensor) -> torch.Tensor:
    """Turn and mirror each of ``images`` (N, C, H, W), H = W, any type and device.

    ``elements`` int64 (N,), taken modulo 8: 0 to 3 are so many quarter turns to the left, 4 to 7
    the same after a mirror from left to right. No pixel is interpolated.
    """
    out = torch.empty_like(images)
    elements = elements.to(images.device) % 8
    for element in range(8):
        rows = (elements == element).nonzero().flatten()
        if len(rows):
            turned = images[rows].flip(3) if element >= 4 else images[rows]
            out[rows] = turned.rot90(element % 4, (2, 3))
    return out
