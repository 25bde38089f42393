"""Add Gaussian noise to images."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

_TABLE = 2**20
_TABLE_SEED = 2020


def add_noise(image: torch.Tensor, sigma: float, seed: int) -> torch.Tensor:
    """Return ``image`` uint8 (3, H, W) plus independent noise, rounded and clipped to 0 to 255.

    ``sigma`` is a fraction of the range 0 to 255 (0.2 in the paper). Drawn by numpy, since torch's
    normal numbers differ in the last bit between processors.
    """
    if sigma == 0:
        return image
    draws = np.random.default_rng(seed % 2**64).standard_normal(image.shape, dtype=np.float32)
    noisy = image.numpy() + draws * np.float32(sigma * 255)
    return torch.from_numpy(noisy.round().clip(0, 255).astype(np.uint8))


def add_windowed_noise_(pixels: torch.Tensor, sigma: np.ndarray, position: np.ndarray) -> None:
    """Add noise of ``sigma`` (n,), fractions of 255, to float32 (n, 3, H, W) in place, unclipped.

    The noise is a window, at ``position`` (n,) in [0, 1], of one fixed table of a million normal
    numbers: drawing new numbers would take longer than all other operations together. They are
    independent within an image; images with overlapping windows share some of them.
    """
    length = pixels[0].numel()
    table = _table(max(_TABLE, 4 * length), pixels.device)
    starts = (position * (len(table) - length)).astype(np.int64)
    for row in np.flatnonzero(sigma).tolist():
        window = table[starts[row] : starts[row] + length].view(pixels.shape[1:])
        pixels[row].add_(window, alpha=float(sigma[row]) * 255)


@lru_cache(maxsize=4)
def _table(size: int, device: torch.device) -> torch.Tensor:
    draws = np.random.default_rng(_TABLE_SEED).standard_normal(size, dtype=np.float32)
    return torch.from_numpy(draws).to(device)
