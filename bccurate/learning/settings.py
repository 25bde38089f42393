"""What a person may set for a training, and what a training returns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bccurate.augmentation.variants import AUGMENTATIONS
from bccurate.errors import UsageError

BALANCES = ("none", "weights", "sampling")
MIXES = ("none", "mixup", "cutmix")
COMPILED_FROM = 100_000  # images in all epochs: below, compiling takes longer than it saves
FINE_TUNING = 0.1  # of the learning rate, once the head is trained: 1e-3 becomes 1e-4


@dataclass(frozen=True)
class TrainSettings:
    """Settings of a training.

    Attributes:
        epochs: passes over the training images, at least 1.
        batch_size: images an update, at least 2.
        lr: Adam's learning rate at the start; it falls to 0 along half a cosine.
        image_size: side of the input in pixels; 0 for a model that reads predictions.
        augment: one of ``bccurate.augmentation.variants.AUGMENTATIONS``.
        ramp: share of the training, 0 to 1, over which augmentation comes in: of the images, so
            many are augmented as of the ramp lies behind, the others only turned. Easy images
            first, hard ones later (curriculum learning, Bengio et al. 2009); 0 for all at once.
        repeats: variants of each image in a batch, at least 1 (batch augmentation, Hoffer et al.
            2020): an epoch costs so many times more.
        redraw: every epoch draws an image's variants anew; if not, they are the same in all, as
            variants are that were saved.
        standardise: each channel of an image by its own mean and deviation, in training and after:
            what light, exposure and white balance change evenly is gone before the network looks.
        weights: ``none``, ``imagenet`` or the path of a file of weights.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ...
        seed: decides all that is random; at least 0.
        precision: ``auto`` (measured), ``float32`` or ``bfloat16``.
        head_epochs: of the epochs, how many first train the head alone at ``lr``; the rest train
            everything, from a tenth of ``lr``. 0 for one stage.
        balance: ``none``; ``weights``: a class counts in the loss as if all had equally many
            images; ``sampling``: every class is drawn equally often.
        label_smoothing: share of the target that is spread over all classes, 0 to below 1
            (Szegedy et al. 2016, section 7).
        mix: ``none``, ``mixup`` (Zhang et al. 2018) or ``cutmix`` (Yun et al. 2019).
        ema: decay of the moving average of the weights that is validated and kept (Polyak and
            Juditsky 1992), 0 to below 1; 0 for none.
        consistency: weight of AugMix's Jensen-Shannon loss over three views (Hendrycks et al.
            2020, whose weight is 12); 0 for none.
        patience: epochs without a better one (by validation macro F1, then loss) before training
            stops; 0 for never.
        compile: build the network with ``torch.compile``: a minute or more first, then faster
            updates on a GPU; on a CPU they gained nothing worth it. None: on a GPU, for a training
            of at least 100,000 images in all.
    """

    epochs: int = 20
    batch_size: int = 32
    lr: float = 1e-3
    image_size: int = 96
    augment: str = "dihedral"
    ramp: float = 0.0
    repeats: int = 1
    redraw: bool = True
    standardise: bool = False
    weights: str = "none"
    device: str = "auto"
    seed: int = 51
    precision: str = "auto"
    head_epochs: int = 0
    balance: str = "none"
    label_smoothing: float = 0.0
    mix: str = "none"
    ema: float = 0.0
    consistency: float = 0.0
    patience: int = 0
    compile: bool | None = None

    def check(self) -> None:
        """Raises UsageError where a setting is out of its range."""
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise UsageError(f"{_said(name)} is at least {least}, not {getattr(self, name)}")
        if not 0 < self.lr < float("inf"):
            raise UsageError(f"The learning rate must be a positive number, got {self.lr}")
        if not 0 <= self.ramp <= 1:
            raise UsageError(f"--ramp is 0 to 1, not {self.ramp}")
        for name in ("label_smoothing", "ema"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"{_said(name)} is 0 to below 1, not {getattr(self, name)}")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise UsageError(
                    f"{_said(name)} cannot be {getattr(self, name)!r}",
                    f"one of {', '.join(choices)}",
                )
        self._check_together()

    def _check_together(self) -> None:
        if self.consistency and self.augment == "none":
            raise UsageError("--consistency compares variants: it needs an --augment")
        if self.consistency and self.repeats > 1:
            raise UsageError("--consistency has two variants of each image: leave out --repeats")
        if self.head_epochs >= self.epochs:
            raise UsageError(
                f"{self.head_epochs} epochs for the head leave none of {self.epochs} for the rest"
            )

    def compiles(self, on_gpu: bool, images: int) -> bool:
        """Whether a training on so many images is to be compiled."""
        if self.compile is not None:
            return self.compile
        return on_gpu and images * self.epochs >= COMPILED_FROM

    def augmented_share(self, epoch: int, done: float) -> float:
        """Of the images, how many are augmented when ``done`` (0 to 1) of ``epoch`` (from 1) lies
        behind, 0 to 1."""
        return min(1.0, (epoch - 1 + done) / (self.ramp * self.epochs)) if self.ramp else 1.0

    def cosine_span(self, epoch: int) -> tuple[float, int, int]:
        """Of the stage that ``epoch`` (from 1) lies in: the learning rate it begins with, its
        first epoch, and how many it has."""
        if epoch <= self.head_epochs:
            return self.lr, 1, self.head_epochs
        lr = self.lr * FINE_TUNING if self.head_epochs else self.lr
        return lr, self.head_epochs + 1, self.epochs - self.head_epochs


_LEAST = {"epochs": 1, "batch_size": 2, "image_size": 0, "seed": 0, "head_epochs": 0,
          "patience": 0, "consistency": 0, "repeats": 1}  # fmt: skip
_CHOICES = {"augment": AUGMENTATIONS, "balance": BALANCES, "mix": MIXES}


def _said(name: str) -> str:
    return f"--{name.replace('_', '-')}"


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
