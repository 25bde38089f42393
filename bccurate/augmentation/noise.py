"""Gaussian noise on 8-bit pixels."""

from __future__ import annotations

import numpy as np
import torch


def add_noise(image: torch.Tensor, sigma: float, seed: int) -> torch.Tensor:
    """``image`` uint8 (3, H, W) plus independent noise, rounded and clipped to 0 to 255.

    ``sigma`` is a fraction of the range 0 to 255 (the paper's is 0.2). numpy draws it, for torch's
    normal numbers differ in the last bit between processors.
    """
    if sigma == 0:
        return image
    draws = np.random.default_rng(seed % 2**64).standard_normal(image.shape, dtype=np.float32)
    noisy = image.numpy() + draws * np.float32(sigma * 255)
    return torch.from_numpy(noisy.round().clip(0, 255).astype(np.uint8))
