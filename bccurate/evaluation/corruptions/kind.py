"""What a corruption is, and the two conversions that each of them needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

REFERENCE_SIDE = 224  # pixels of the images that the papers' lengths are given for


@dataclass(frozen=True)
class Corruption:
    """One way to spoil an image.

    Attributes:
        name: as in the papers, in snake case.
        family: noise, blur, light, colour, geometric, occlusion or digital.
        apply: (image uint8 (H, W, 3), level, generator) to uint8 (H, W, 3).
        levels: what severity 1 to 5 mean to ``apply``.
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
    """Float values in 0 to 255 as uint8, rounded and clipped."""
    return values.round().clip(0, 255).astype(np.uint8)


def scale_of(image: np.ndarray) -> float:
    """By how much a length that a paper gives for 224 pixels is to be multiplied."""
    return min(image.shape[:2]) / REFERENCE_SIDE
