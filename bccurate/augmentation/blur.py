"""Blur images, each by its own Gaussian."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F

from bccurate.augmentation.batches import per_image

TRUNCATE = 2.5  # standard deviations


def gaussian_blur(pixels: torch.Tensor, sigma: np.ndarray, max_sigma: float) -> torch.Tensor:
    """Return ``pixels`` float32 (n, 3, H, W) blurred with ``sigma`` (n,) in pixels, edges mirrored.

    All kernels have the radius 2.5 times ``max_sigma``, so that the result of an image does not
    depend on the sigmas of the others.
    """
    radius = min(math.ceil(TRUNCATE * max_sigma), min(pixels.shape[-2:]) - 1)
    steps = np.arange(radius + 1)
    kernel = np.exp(-0.5 * (steps / sigma[:, None]) ** 2)
    kernel /= kernel[:, :1] + 2 * kernel[:, 1:].sum(axis=1, keepdims=True)
    weights = per_image(kernel, pixels).unsqueeze(-1)
    for dim in (2, 3):
        pixels = _blur_axis(pixels, weights, radius, dim)
    return pixels


def _blur_axis(pixels: torch.Tensor, weights: torch.Tensor, radius: int, dim: int) -> torch.Tensor:
    side = pixels.shape[dim]
    pad = (0, 0, radius, radius) if dim == 2 else (radius, radius, 0, 0)
    padded = F.pad(pixels, pad, mode="reflect")
    out = pixels * weights[:, 0]
    for step in range(1, radius + 1):
        pair = padded.narrow(dim, radius - step, side) + padded.narrow(dim, radius + step, side)
        out.addcmul_(pair, weights[:, step])
    return out
