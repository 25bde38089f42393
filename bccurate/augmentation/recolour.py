"""Change colours by linear maps, one per image: of values (jitter) or of densities (stain).

Hue, saturation, brightness, contrast, gains and the order of channels together are one 3x3 matrix
and one offset per pixel.
"""

from __future__ import annotations

import numpy as np
import torch

from bccurate.augmentation.batches import per_image
from bccurate.augmentation.colour import GREY

MIDDLE = 128.0
# Optical density of haematoxylin, eosin and DAB in red, green and blue (Ruifrok and Johnston 2001),
# as in scikit-image.
RGB_FROM_HED = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
HED_FROM_RGB = np.linalg.inv(RGB_FROM_HED)


def linear(pixels: torch.Tensor, matrices: np.ndarray, offsets: np.ndarray) -> torch.Tensor:
    """Multiply pixels (n, 3, H, W) by ``matrices`` (n, 3, 3) and add ``offsets`` (n, 3); float32.

    By sums and not by a matrix product, whose rounding depends on the batch size.
    """
    factors, shift = per_image(matrices.reshape(-1, 9), pixels), per_image(offsets, pixels)
    out = torch.empty_like(pixels)
    for channel in range(3):
        row = out[:, channel]
        torch.mul(pixels[:, 0], factors[:, 3 * channel], out=row).add_(shift[:, channel])
        row.addcmul_(pixels[:, 1], factors[:, 3 * channel + 1])
        row.addcmul_(pixels[:, 2], factors[:, 3 * channel + 2])
    return out


def hue(shift: np.ndarray) -> np.ndarray:
    """Return rotations about the grey axis, (n, 3, 3); a ``shift`` of 1/3 maps red to green."""
    cos, third = np.cos(2 * np.pi * shift), np.sin(2 * np.pi * shift) / np.sqrt(3)
    even = (1 - cos) / 3
    eye, ones = np.eye(3), np.ones((3, 3))
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    return cos[:, None, None] * eye + even[:, None, None] * ones + third[:, None, None] * cross


def saturation(factor: np.ndarray) -> np.ndarray:
    """Return matrices (n, 3, 3) that scale the distance to the luma by ``factor``."""
    weight = factor[:, None, None]
    return weight * np.eye(3) + (1 - weight) * np.array(GREY)


def stain(pixels: torch.Tensor, factors: np.ndarray, offsets: np.ndarray) -> torch.Tensor:
    """Multiply each stain's density by ``factors`` (n, 3) and add ``offsets`` (n, 3).

    Tellez et al. 2018, https://arxiv.org/abs/1808.05896. Densities are natural logarithms.
    ``pixels`` are float32 (n, 3, H, W), 0 to 255; values below 1 count as 1. The result is clipped
    at 255.
    """
    # density = log2(255) - log2(pixel); the base of the logarithm matters for the offsets only.
    matrices = np.einsum("ij,nj,jk->nik", HED_FROM_RGB, factors, RGB_FROM_HED).transpose(0, 2, 1)
    white = np.log2(255)
    shift = white - white * matrices.sum(axis=2) - offsets @ RGB_FROM_HED / np.log(2)
    logs = pixels.clamp(min=1).log2_()
    return linear(logs, matrices, shift).exp2_().clamp_(max=255)
