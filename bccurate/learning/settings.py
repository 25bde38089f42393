"""What a training takes and returns; its settings are in ``settings.training``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bccurate.settings.training import TrainSettings

__all__ = ["TrainResult", "TrainSettings", "TrainingData", "TrainingOutput"]


@dataclass(frozen=True)
class TrainingData:
    """Training and validation samples.

    Attributes:
        images: uint8 (N, side, side, 3); for a model that reads predictions float32 (N, bases, C)
            logits.
        targets: int (N,), indices into ``classes``.
        val_images, val_targets: the same of the validation samples; may be empty.
        classes: names of the C classes.
        names: N files, for messages; may be empty.
    """

    images: np.ndarray
    targets: np.ndarray
    val_images: np.ndarray
    val_targets: np.ndarray
    classes: list[str]
    names: Sequence[str] = ()


@dataclass(frozen=True)
class TrainingOutput:
    """Where a training writes, and what it continues.

    Attributes:
        folder: gets ``checkpoint.safetensors`` after each epoch, and at the end
            ``model.safetensors`` instead.
        resume: True continues from the checkpoint, False starts again, None continues where the
            checkpoint is of the same settings and images.
        log: one of ``vocabulary.LOGS`` but ``auto``.
        header: fields to add to the header of the weights.
    """

    folder: Path
    resume: bool | None = False
    log: str = "none"
    header: dict[str, Any] = field(default_factory=dict)


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
