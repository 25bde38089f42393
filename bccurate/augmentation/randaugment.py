"""Apply RandAugment (Cubuk et al. 2020, https://arxiv.org/abs/1909.13719), drawn per image.

k operations, each chosen uniformly from the paper's 14, are applied in sequence at one magnitude.
Value ranges and the black fill are torchvision's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from bccurate.augmentation import colour, geometry
from bccurate.augmentation.batches import Operation, apply_per_image
from bccurate.augmentation.describe import describe_operation, describe_sequence
from bccurate.augmentation.draws import Draws

NUM_OPS = 2
MAGNITUDE = 9
MAX_MAGNITUDE = 30

# (operation, its value at the share m of the maximum magnitude on a side in pixels, signed)
_Row = tuple[Operation, Callable[[float, int], float], bool]
OPERATIONS: dict[str, _Row] = {
    "identity": (colour.identity, lambda m, side: 0.0, False),
    "shear_x": (geometry.shear_x, lambda m, side: 0.3 * m, True),
    "shear_y": (geometry.shear_y, lambda m, side: 0.3 * m, True),
    "translate_x": (geometry.translate_x, lambda m, side: 150 / 331 * side * m, True),
    "translate_y": (geometry.translate_y, lambda m, side: 150 / 331 * side * m, True),
    "rotate": (geometry.rotate, lambda m, side: 30 * m, True),
    "brightness": (lambda x, v: colour.brightness(x, 1 + v), lambda m, side: 0.9 * m, True),
    "saturation": (lambda x, v: colour.saturation(x, 1 + v), lambda m, side: 0.9 * m, True),
    "contrast": (lambda x, v: colour.contrast(x, 1 + v), lambda m, side: 0.9 * m, True),
    "sharpness": (lambda x, v: colour.sharpness(x, 1 + v), lambda m, side: 0.9 * m, True),
    "posterize": (colour.posterize, lambda m, side: 8 - round(4 * m), False),
    "solarize": (colour.solarize, lambda m, side: 255 * (1 - m), False),
    "autocontrast": (colour.autocontrast, lambda m, side: 0.0, False),
    "equalize": (colour.equalize, lambda m, side: 0.0, False),
}
_FUNCTIONS = [operation for operation, _, _ in OPERATIONS.values()]
_SIGNED = np.array([signed for _, _, signed in OPERATIONS.values()])


def randaugment(
    images: torch.Tensor, draws: Draws, num_ops: int = NUM_OPS, magnitude: float = MAGNITUDE
) -> torch.Tensor:
    """Return the paper's equation 4: ``num_ops`` random operations at ``magnitude``, 0 to 30.

    ``images`` and the result are uint8 (N, 3, H, W), on any device.
    """
    images, out = images.contiguous(), None
    for chosen, signs in steps(draws, num_ops):
        images = out = apply(images, chosen, signs, magnitude, into=out)
    return images


def steps(draws: Draws, num_ops: int = NUM_OPS) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw each step: index of OPERATIONS, int64 (N,), and sign, float64 (N,)."""
    return [(draws.integers(len(OPERATIONS)), draws.signs()) for _ in range(num_ops)]


def describe(
    draws: Draws, side: tuple[int, int], num_ops: int = NUM_OPS, magnitude: float = MAGNITUDE
) -> list[str]:
    """Describe what ``randaugment`` does to images of height and width ``side``, one text each."""
    names = list(OPERATIONS)
    drawn = [
        (chosen, values(chosen, signs, magnitude, side)) for chosen, signs in steps(draws, num_ops)
    ]
    rows = (
        [
            describe_operation(names[i], v, bool(_SIGNED[i]))
            for i, v in zip(chosen, own, strict=True)
        ]
        for chosen, own in drawn
    )
    return [describe_sequence(texts) for texts in zip(*rows, strict=True)]


def apply(
    images: torch.Tensor,
    chosen: np.ndarray,
    signs: np.ndarray,
    magnitude: float = MAGNITUDE,
    into: torch.Tensor | None = None,
) -> torch.Tensor:
    """Apply one operation per image: ``chosen`` (N,) of OPERATIONS, in the direction of ``signs``.

    Results are written ``into`` a tensor like ``images``, which may be ``images``, or a new one.
    """
    height, width = images.shape[-2:]
    arguments = values(chosen, signs, magnitude, (height, width))
    return apply_per_image(_FUNCTIONS, images, chosen, arguments, into)


def values(
    chosen: np.ndarray, signs: np.ndarray, magnitude: float, side: tuple[int, int]
) -> np.ndarray:
    """Return the arguments of the ``chosen`` operations for a height and width, float64 (N,)."""
    height, width = side
    sides = [height if name.endswith("_y") else width for name in OPERATIONS]
    share = magnitude / MAX_MAGNITUDE
    ranges = zip(OPERATIONS.values(), sides, strict=True)
    maximum = np.array([value(share, side) for (_, value, _), side in ranges])
    return maximum[chosen] * np.where(_SIGNED[chosen], signs, 1.0)
