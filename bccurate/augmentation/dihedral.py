"""Rotate and flip images by the eight symmetries of the square."""

from __future__ import annotations

import torch


def dihedral(images: torch.Tensor, elements: torch.Tensor) -> torch.Tensor:
    """Return each of ``images`` (N, C, H, W), H = W, rotated or flipped; any type and device.

    ``elements`` int64 (N,), taken modulo 8: 0 to 3 rotate by that many times 90 degrees
    counterclockwise, 4 to 7 flip left to right first. No pixel is interpolated.
    """
    out = torch.empty_like(images)
    elements = elements.to(images.device) % 8
    for element in range(8):
        rows = (elements == element).nonzero().flatten()
        if len(rows):
            flipped = images[rows].flip(3) if element >= 4 else images[rows]
            out[rows] = flipped.rot90(element % 4, (2, 3))
    return out
