"""What a person may set for a training, and what a training returns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bccurate.augmentation.variants import AUGMENTATIONS
from bccurate.errors import UsageError


@dataclass(frozen=True)
class TrainSettings:
    """Settings of a training.

    Attributes:
        epochs: passes over the training images, at least 1.
        batch_size: images an update, at least 2.
        lr: Adam's learning rate at the start; it falls to 0 along half a cosine.
        image_size: side of the input in pixels.
        augment: one of ``AUGMENTATIONS``: ``none``, ``dihedral``, ``randaugment``, ``augmix`` or
            ``smear``.
        weights: ``none``, ``imagenet`` or the path of a file of weights.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ...
        seed: decides all that is random; at least 0.
        precision: ``auto`` (measured), ``float32`` or ``bfloat16``.
    """

    epochs: int = 20
    batch_size: int = 32
    lr: float = 1e-3
    image_size: int = 96
    augment: str = "dihedral"
    weights: str = "none"
    device: str = "auto"
    seed: int = 51
    precision: str = "auto"

    def check(self) -> None:
        """Raises UsageError where a setting is out of its range."""
        if self.epochs < 1 or self.batch_size < 2 or self.image_size < 1 or self.seed < 0:
            raise UsageError(
                "Epochs must be at least 1, the batch size at least 2, the image size at least 1 "
                f"and the seed at least 0: got {self.epochs}, {self.batch_size}, "
                f"{self.image_size} and {self.seed}"
            )
        if not 0 < self.lr < float("inf"):
            raise UsageError(f"The learning rate must be a positive number, got {self.lr}")
        if self.augment not in AUGMENTATIONS:
            raise UsageError(
                f"There is no augmentation {self.augment!r}", f"one of {', '.join(AUGMENTATIONS)}"
            )


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
