"""The settings of a training (``settings.training``) and its result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bccurate.settings.training import TrainSettings

__all__ = ["TrainResult", "TrainSettings"]


@dataclass(frozen=True)
class TrainResult:
    """A finished training.

    Attributes:
        weights: the .safetensors file of the best epoch.
        history: a row an epoch: epoch, train_loss, train_accuracy, seconds, images_per_second
            and, where there are validation images, val_loss, val_accuracy and val_macro_f1.
        best_epoch: the epoch (from 1) that ``weights`` holds.
        images_per_second: training images over training seconds, validation not counted.
        device: ``cpu`` or ``cuda``.
        precision: what was computed in, such as ``bfloat16 channels_last``.
    """

    weights: Path
    history: list[dict[str, Any]]
    best_epoch: int
    images_per_second: float
    device: str
    precision: str
