"""Mix original images, AugMix variants and RandAugment variants with noise, as the paper does."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch

from bccurate.augmentation.augmix import augmix
from bccurate.augmentation.batches import to_nearest_bytes
from bccurate.augmentation.draws import Draws
from bccurate.augmentation.noise import add_windowed_noise_
from bccurate.augmentation.randaugment import randaugment

NOISE = 0.2  # standard deviation as a fraction of the range 0 to 255
_VARIANTS: tuple[Callable[[torch.Tensor, Draws], torch.Tensor], ...] = (augmix, randaugment)


def paper(images: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Return ``images`` uint8 (N, 3, H, W), on average a third of each kind.

    The same mixture as a training set with one noisy variant of each kind per image.
    """
    kind, position = draws.integers(1 + len(_VARIANTS)), draws.uniform()
    out = images.clone()
    for number, variant in enumerate(_VARIANTS, start=1):
        rows = np.flatnonzero(kind == number)
        if len(rows):
            row_draws = copy.copy(draws)
            row_draws.reorder(rows)
            index = torch.from_numpy(rows).to(images.device)
            pixels = variant(images[index], row_draws).float()
            add_windowed_noise_(pixels, np.full(len(rows), NOISE), position[rows])
            out[index] = to_nearest_bytes(pixels)
    return out
