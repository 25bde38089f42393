"""Define a corruption, and the two conversions that all of them need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

REFERENCE_SIDE = 224  # pixels; lengths in the papers are for images of this size


@dataclass(frozen=True)
class Corruption:
    """A way to corrupt an image, at five severities.

    Attributes:
        name: as in the papers, in snake case.
        family: noise, blur, light, colour, geometric, occlusion or digital.
        apply: (image uint8 (H, W, 3), level, generator) to uint8 (H, W, 3).
        levels: the argument of ``apply`` for severity 1 to 5.
        source: of the definition and the levels.
    """

    name: str
    family: str
    apply: Callable[[np.ndarray, Any, np.random.Generator], np.ndarray]
    levels: tuple[Any, ...]
    source: str


IMAGENET_C = "Hendrycks and Dietterich 2019, https://arxiv.org/abs/1903.12261"
MEDMNIST_C = "Di Salvo et al. 2024 (BloodMNIST-C), https://arxiv.org/abs/2406.17536"


def to_bytes(values: np.ndarray) -> np.ndarray:
    """Round and clip float values to uint8."""
    return values.round().clip(0, 255).astype(np.uint8)


def scale_of(image: np.ndarray) -> float:
    """Return the factor for a length that a paper gives for 224 pixels."""
    return min(image.shape[:2]) / REFERENCE_SIDE
