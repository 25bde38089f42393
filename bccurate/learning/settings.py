"""Define the arguments and the result of ``learning.train.train``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bccurate.errors import InputError
from bccurate.learning.registry import IMAGES, ModelSpec
from bccurate.settings.training import TrainSettings

__all__ = ["TrainResult", "TrainSettings", "TrainingData", "TrainingOutput"]


@dataclass(frozen=True)
class TrainingData:
    """Samples to train on and to validate with.

    Attributes:
        images: uint8 (N, S, S, 3) RGB, or float32 (N, bases, C) logits for a model that reads
            predictions; N at least 2.
        targets: int (N,), indices into ``classes``.
        val_images: (M, ...) as ``images``; M may be 0.
        val_targets: int (M,).
        classes: the label of each index.
        names: the training files, for error messages; may be empty.
    """

    images: np.ndarray = field(repr=False)
    targets: np.ndarray = field(repr=False)
    val_images: np.ndarray = field(repr=False)
    val_targets: np.ndarray = field(repr=False)
    classes: list[str]
    names: Sequence[str] = field(repr=False, default=())

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The four arrays, in the order of the attributes."""
        return self.images, self.targets, self.val_images, self.val_targets

    def check(self, spec: ModelSpec, image_size: int) -> None:
        """Check that shapes, types and targets suit ``spec`` at ``image_size`` pixels.

        Raises:
            InputError: they do not.
        """
        if len(self.images) < 2:
            raise InputError(f"Training needs at least 2 images, not {len(self.images)}")
        for images, targets in (self.arrays[:2], self.arrays[2:]):
            if len(images) != len(targets):
                raise InputError(f"There are {len(images)} images and {len(targets)} targets")
            if len(images):
                self._check_images(images, spec, image_size)
                if targets.min() < 0 or targets.max() >= len(self.classes):
                    raise InputError(
                        f"A target is not an index into the {len(self.classes)} classes"
                    )

    def _check_images(self, images: np.ndarray, spec: ModelSpec, size: int) -> None:
        classes = len(self.classes)
        if spec.inputs == IMAGES:
            if images.dtype != np.uint8 or images.shape[1:] != (size, size, 3):
                raise InputError(
                    f"Images are {images.dtype} {images.shape}, not uint8 (N, {size}, {size}, 3)"
                )
        elif images.dtype != np.float32 or images.ndim != 3 or images.shape[2] != classes:
            raise InputError(
                f"Predictions are {images.dtype} {images.shape}, not float32 (N, bases, {classes})"
            )


@dataclass(frozen=True)
class TrainingOutput:
    """Where a training is written, and whether it continues what is there.

    Attributes:
        folder: gets ``checkpoint.safetensors`` after each epoch, and at the end
            ``model.safetensors`` in its place.
        resume: True: continue from the checkpoint in ``folder``; None: continue if it has the same
            settings and images; False: start again. Without a checkpoint, start.
        log: one of ``bccurate.settings.vocabulary.LOGS``.
        header: further fields for the header of ``model.safetensors``.
    """

    folder: Path
    resume: bool | None = False
    log: str = "none"
    header: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainResult:
    """Result of a training.

    Attributes:
        weights: the .safetensors file of the best epoch.
        history: one row per epoch: epoch, train_loss, train_accuracy, seconds, images_per_second
            and, if there are validation images, val_loss, val_accuracy and val_macro_f1.
        best_epoch: the epoch (from 1) whose weights were kept.
        images_per_second: training images per second of training, validation excluded.
        device: ``cpu`` or ``cuda``.
        precision: number format and memory layout, such as ``bfloat16 channels_last``.
    """

    weights: Path
    history: list[dict[str, Any]]
    best_epoch: int
    images_per_second: float
    device: str
    precision: str
