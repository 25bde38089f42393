"""Variants of pictures, each decided by its seed alone.

The same seed gives the same pixels in any batch, process, order and number of threads, and no
global generator is touched. Processors of another kind may round otherwise in the last bit.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from bccurate.augmentation.augmix import augmix
from bccurate.augmentation.dihedral import dihedral
from bccurate.augmentation.draws import Draws
from bccurate.augmentation.noise import add_noise
from bccurate.augmentation.paper import paper
from bccurate.augmentation.randaugment import randaugment
from bccurate.augmentation.smear import smear
from bccurate.errors import UsageError, nearest

_DRAWN: dict[str, Callable[[torch.Tensor, Draws], torch.Tensor]] = {
    "randaugment": randaugment,
    "augmix": augmix,
    "paper": paper,
    "smear": smear,
}
VARIANTS = ("randaugment", "augmix")  # those that are kept as samples
AUGMENTATIONS = ("none", "dihedral", *_DRAWN)

# Images at once on a CPU, measured at 96x96: few where an operation takes them all, lest they leave
# the cache, many where each operation takes a part. On a device all at once, within its memory.
_CHUNK = {"randaugment": 256, "augmix": 256, "paper": 256, "smear": 32}
_CHUNK_DEVICE = 2048


def make_variant(kind: str, image: torch.Tensor, seed: int, noise: float) -> torch.Tensor:
    """A variant uint8 (3, H, W) of ``image`` uint8 (3, H, W), on the CPU.

    ``kind`` is one of ``VARIANTS``; then comes Gaussian noise with a standard deviation of
    ``noise`` times the range 0 to 255 (the paper's is 0.2; 0 for none).

    Raises:
        UsageError: an unknown kind.
    """
    if kind not in VARIANTS:
        raise UsageError(f"There is no variant {kind!r}.{nearest(kind, VARIANTS)}")
    variant = augment_batch(kind, image[None], torch.tensor([seed]))[0]
    return add_noise(variant, noise, int(seed))


def augment_batch(kind: str, images: torch.Tensor, seeds: torch.Tensor) -> torch.Tensor:
    """Augment each of ``images`` uint8 (N, 3, H, W) by its own of ``seeds`` int64 (N,).

    ``kind`` is one of ``AUGMENTATIONS``. The result is on the device of ``images``.

    Raises:
        UsageError: an unknown kind.
    """
    if kind not in AUGMENTATIONS:
        raise UsageError(f"There is no augmentation {kind!r}.{nearest(kind, AUGMENTATIONS)}")
    if kind == "none" or len(images) == 0:
        return images
    if kind == "dihedral":
        return dihedral(images, seeds)
    size = _CHUNK[kind] if images.device.type == "cpu" else _CHUNK_DEVICE
    chunks = zip(images.split(size), seeds.split(size), strict=True)
    return torch.cat([_DRAWN[kind](part, Draws(own)) for part, own in chunks])
