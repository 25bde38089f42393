"""Variants of pictures, each decided by its seed alone.

The same seed gives the same pixels in any batch, process, order and number of threads, and no
global generator is touched. Processors of another kind may round otherwise in the last bit.
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
VARIANTS = ("randaugment", "augmix")  # those that are kept as samples
AUGMENTATIONS = ("none", "dihedral", *_DRAWN)

# Images at once on a CPU, measured at 96x96: few where an operation takes them all, lest they leave
# the cache, many where each operation takes a part. On a device all at once, within its memory.
_CHUNK = {"randaugment": 256, "augmix": 256, "paper": 256, "smear": 32}
_CHUNK_DEVICE = 2048
_ESCAPE = 0x2545F4914F6CDD1D  # turns a sample's seed into that of whether it is augmented


class Strength(NamedTuple):
    """The strength of a kind's operations: as in its paper, and from where to where."""

    default: float
    least: float
    most: float


STRENGTHS = {
    "randaugment": Strength(randaugment.MAGNITUDE, 0, randaugment.MAX_MAGNITUDE),
    "augmix": Strength(augmix.SEVERITY, augmix.LEAST_LEVEL, augmix.MAX_LEVEL),
}


def make_variants(
    kind: str,
    pictures: Sequence[np.ndarray],
    seeds: Sequence[int],
    noise: float,
    magnitude: float | None = None,
) -> list[np.ndarray]:
    """A variant uint8 (H, W, 3) of each of ``pictures``, by its own of ``seeds``, on the CPU.

    Those of one size are augmented as a batch.

    Args:
        kind: one of ``VARIANTS``.
        pictures: uint8 (H, W, 3) each.
        seeds: one a picture.
        noise: standard deviation of the Gaussian noise that comes last, as a share of the range 0
            to 255 (the paper's is 0.2; 0 for none).
        magnitude: of the operations, within ``STRENGTHS``; its default where None.

    Raises:
        UsageError: an unknown kind, or a magnitude out of range.
    """
    strength = strength_of(kind, magnitude)
    if kind == "augmix":
        change = partial(augmix.augmix, severity=strength)
    else:
        change = partial(randaugment.randaugment, magnitude=strength)
    out: list[np.ndarray] = [np.empty(0)] * len(pictures)
    for rows in _of_one_size(pictures):
        batch = torch.from_numpy(np.stack([pictures[i] for i in rows])).permute(0, 3, 1, 2)
        own = torch.tensor([seeds[i] for i in rows])
        for i, variant in zip(rows, _in_chunks(kind, change, batch.contiguous(), own), strict=True):
            noisy = add_noise(variant, noise, int(seeds[i]))
            out[i] = np.ascontiguousarray(noisy.permute(1, 2, 0).numpy())
    return out


def strength_of(kind: str, magnitude: float | None = None) -> float:
    """``magnitude``, or the kind's default where it is None.

    Raises:
        UsageError: an unknown kind, or a magnitude that it does not take.
    """
    if kind not in VARIANTS:
        raise UsageError(f"There is no variant {kind!r}.{nearest(kind, VARIANTS)}")
    strength = STRENGTHS[kind]
    if magnitude is not None and not strength.least <= magnitude <= strength.most:
        raise UsageError(
            f"The magnitude of {kind} is {strength.least:g} to {strength.most:g}, not {magnitude:g}"
        )
    return strength.default if magnitude is None else magnitude


def describe(
    kind: str, seeds: Sequence[int], side: tuple[int, int], magnitude: float | None = None
) -> list[str]:
    """The operations and values that ``make_variants`` draws for a height and width, in words."""
    strength = strength_of(kind, magnitude)
    draws = Draws(torch.tensor(list(seeds), dtype=torch.int64))
    if kind == "augmix":
        return augmix.describe(draws, side, severity=strength)
    return randaugment.describe(draws, side, magnitude=strength)


def _of_one_size(pictures: Sequence[np.ndarray]) -> list[list[int]]:
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, picture in enumerate(pictures):
        groups.setdefault(picture.shape, []).append(i)
    return list(groups.values())


def augment_batch(
    kind: str, images: torch.Tensor, seeds: torch.Tensor, share: float = 1.0
) -> torch.Tensor:
    """Augment each of ``images`` uint8 (N, 3, H, W) by its own of ``seeds`` int64 (N,).

    ``kind`` is one of ``AUGMENTATIONS``; an image escapes it with a chance of 1 - ``share`` and is
    then only turned (``dihedral``). The result is on the device of ``images``.

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
    rows = torch.from_numpy(np.flatnonzero(Draws(seeds ^ _ESCAPE).chance(share)))
    if len(rows):
        places = rows.to(images.device)
        out[places] = _in_chunks(kind, _DRAWN[kind], images[places], seeds[rows])
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
