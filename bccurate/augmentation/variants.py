"""Variants of a picture, each decided by its seed alone.

The same seed gives the same pixels in any process, order and number of threads, and torch's
global generator is left as it was.
"""

from __future__ import annotations

import threading

import numpy as np
import torch
from PIL import Image

from bccurate.augmentation.augmix import augmix
from bccurate.augmentation.dihedral import dihedral
from bccurate.augmentation.noise import add_noise
from bccurate.augmentation.randaugment import randaugment
from bccurate.errors import UsageError, nearest

VARIANTS = {"randaugment": randaugment, "augmix": augmix}
AUGMENTATIONS = ("none", "dihedral", *VARIANTS)

# torchvision draws from the one global generator: two threads at once would mix their draws.
_generator = threading.Lock()


def make_variant(kind: str, image: torch.Tensor, seed: int, noise: float) -> torch.Tensor:
    """A variant uint8 (3, H, W) of ``image`` uint8 (3, H, W), on the CPU.

    ``kind`` is ``randaugment`` or ``augmix``; then comes Gaussian noise with a standard deviation
    of ``noise`` times the range 0 to 255 (the paper's is 0.2; 0 for none).

    Raises:
        UsageError: an unknown kind.
    """
    if kind not in VARIANTS:
        raise UsageError(f"There is no variant {kind!r}.{nearest(kind, VARIANTS)}")
    picture = Image.fromarray(image.permute(1, 2, 0).contiguous().numpy())
    with _generator, torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed: that would reseed the GPUs too.
        torch.random.default_generator.manual_seed(int(seed))
        picture = VARIANTS[kind](picture)
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()
    return add_noise(pixels, noise, int(seed))


def augment_batch(kind: str, images: torch.Tensor, seeds: torch.Tensor) -> torch.Tensor:
    """Augment each of ``images`` uint8 (N, 3, H, W) by its own of ``seeds`` int64 (N,).

    ``kind`` is one of ``none``, ``dihedral``, ``randaugment`` and ``augmix``. The result is on
    the device of ``images``.

    Raises:
        UsageError: an unknown kind.
    """
    if kind == "none" or len(images) == 0:
        return images
    if kind == "dihedral":
        return dihedral(images, seeds)
    if kind not in VARIANTS:
        raise UsageError(f"There is no augmentation {kind!r}.{nearest(kind, AUGMENTATIONS)}")
    pairs = zip(images.cpu(), seeds.tolist(), strict=True)
    variants = [make_variant(kind, image, seed, noise=0.0) for image, seed in pairs]
    return torch.stack(variants).to(images.device)
