"""AugMix (Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781): torchvision's.

Only the operations of the paper, not its loss over three views of an image.
"""

from __future__ import annotations

from PIL import Image
from torchvision.transforms import AugMix

SEVERITY = 3  # of 1 to 10
WIDTH = 3
ALPHA = 1.0

_transform = AugMix(SEVERITY, WIDTH, alpha=ALPHA)


def augmix(image: Image.Image) -> Image.Image:
    """Three chains of up to three operations, mixed with ``image``.

    Drawn from torch's global generator.
    """
    return _transform(image)
