"""Make variants of images, each determined by its seed alone.

The same seed gives the same pixels in any batch, process, order and number of threads, and no
global generator is used. Other kinds of processors may differ in the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from bccurate.augmentation import augmix, randaugment
from bccurate.augmentation.dihedral import dihedral
from bccurate.augmentation.draws import Draws
from bccurate.augmentation.noise import add_noise
from bccurate.augmentation.paper import paper
from bccurate.augmentation.smear import smear
from bccurate.errors import UsageError, nearest

_DRAWN: dict[str, Callable[[torch.Tensor, Draws], torch.Tensor]] = {
    "randaugment": randaugment.randaugment,
    "augmix": augmix.augmix,
    "paper": paper,
    "smear": smear,
}
VARIANTS = ("randaugment", "augmix")  # can be stored as samples
AUGMENTATIONS = ("none", "dihedral", *_DRAWN)

# Images per chunk on a CPU, measured at 96x96: few if each operation processes all of them, so that
# they stay in the cache, many if each operation processes a part.
_CHUNK = {"randaugment": 256, "augmix": 256, "paper": 256, "smear": 32}
_CHUNK_DEVICE = 2048
_SHARE_MASK = 0x2545F4914F6CDD1D  # seed XOR mask decides whether a sample is augmented


class Strength(NamedTuple):
    """Strength of a kind's operations: that of its paper, and the range."""

    default: float
    minimum: float
    maximum: float


STRENGTHS = {
    "randaugment": Strength(randaugment.MAGNITUDE, 0, randaugment.MAX_MAGNITUDE),
    "augmix": Strength(augmix.SEVERITY, augmix.MIN_LEVEL, augmix.MAX_LEVEL),
}


def make_variants(
    kind: str,
    images: Sequence[np.ndarray],
    seeds: Sequence[int],
    noise: float,
    magnitude: float | None = None,
) -> list[np.ndarray]:
    """Return a variant uint8 (H, W, 3) of each image, made on the CPU.

    Images of equal size are processed as a batch.

    Args:
        kind: one of ``VARIANTS``.
        images: uint8 (H, W, 3) each.
        seeds: one per image.
        noise: standard deviation of the Gaussian noise added last, as a fraction of the range 0 to
            255 (0.2 in the paper; 0 for none).
        magnitude: of the operations, within ``STRENGTHS``; None for the default.

    Raises:
        UsageError: an unknown kind, or a magnitude out of range.
    """
    strength = strength_of(kind, magnitude)
    if kind == "augmix":
        change = partial(augmix.augmix, severity=strength)
    else:
        change = partial(randaugment.randaugment, magnitude=strength)
    out: list[np.ndarray] = [np.empty(0)] * len(images)
    for rows in _of_equal_size(images):
        batch = torch.from_numpy(np.stack([images[i] for i in rows])).permute(0, 3, 1, 2)
        batch_seeds = torch.tensor([seeds[i] for i in rows])
        for i, variant in zip(
            rows, _in_chunks(kind, change, batch.contiguous(), batch_seeds), strict=True
        ):
            noisy = add_noise(variant, noise, int(seeds[i]))
            out[i] = np.ascontiguousarray(noisy.permute(1, 2, 0).numpy())
    return out


def strength_of(kind: str, magnitude: float | None = None) -> float:
    """Return ``magnitude``, or the default of ``kind`` if it is None.

    Raises:
        UsageError: an unknown kind, or a magnitude out of range.
    """
    if kind not in VARIANTS:
        raise UsageError(f"There is no variant {kind!r}.{nearest(kind, VARIANTS)}")
    strength = STRENGTHS[kind]
    if magnitude is not None and not strength.minimum <= magnitude <= strength.maximum:
        raise UsageError(
            f"The magnitude of {kind} is {strength.minimum:g} to {strength.maximum:g}, "
            f"not {magnitude:g}"
        )
    return strength.default if magnitude is None else magnitude


def describe(
    kind: str, seeds: Sequence[int], side: tuple[int, int], magnitude: float | None = None
) -> list[str]:
    """Describe what ``make_variants`` does to images of height and width ``side``, a text each."""
    strength = strength_of(kind, magnitude)
    draws = Draws(torch.tensor(list(seeds), dtype=torch.int64))
    if kind == "augmix":
        return augmix.describe(draws, side, severity=strength)
    return randaugment.describe(draws, side, magnitude=strength)


def _of_equal_size(images: Sequence[np.ndarray]) -> list[list[int]]:
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, image in enumerate(images):
        groups.setdefault(image.shape, []).append(i)
    return list(groups.values())


def augment_batch(
    kind: str, images: torch.Tensor, seeds: torch.Tensor, share: float = 1.0
) -> torch.Tensor:
    """Augment each of ``images`` uint8 (N, 3, H, W) by its own seed of ``seeds`` int64 (N,).

    ``kind`` is one of ``AUGMENTATIONS``. An image is augmented with probability ``share``, else
    only rotated by 90 degrees or flipped (``dihedral``). The result is on the device of ``images``.

    Raises:
        UsageError: an unknown kind.
    """
    if kind not in AUGMENTATIONS:
        raise UsageError(f"There is no augmentation {kind!r}.{nearest(kind, AUGMENTATIONS)}")
    if kind == "none" or len(images) == 0:
        return images
    if kind == "dihedral":
        return dihedral(images, seeds)
    if share >= 1:
        return _in_chunks(kind, _DRAWN[kind], images, seeds)
    out = dihedral(images, seeds)
    rows = torch.from_numpy(np.flatnonzero(Draws(seeds ^ _SHARE_MASK).chance(share)))
    if len(rows):
        index = rows.to(images.device)
        out[index] = _in_chunks(kind, _DRAWN[kind], images[index], seeds[rows])
    return out


def _in_chunks(
    kind: str,
    change: Callable[[torch.Tensor, Draws], torch.Tensor],
    images: torch.Tensor,
    seeds: torch.Tensor,
) -> torch.Tensor:
    size = _CHUNK[kind] if images.device.type == "cpu" else _CHUNK_DEVICE
    chunks = zip(images.split(size), seeds.split(size), strict=True)
    return torch.cat([change(part, Draws(own)) for part, own in chunks])
