"""RandAugment (Cubuk et al. 2020, https://arxiv.org/abs/1909.13719): torchvision's."""

from __future__ import annotations

from PIL import Image
from torchvision.transforms import RandAugment

NUM_OPS = 2
MAGNITUDE = 9  # of 0 to 30

_transform = RandAugment(NUM_OPS, MAGNITUDE)


def randaugment(image: Image.Image) -> Image.Image:
    """Two operations of the paper's 14 at magnitude 9, drawn from torch's global generator."""
    return _transform(image)
