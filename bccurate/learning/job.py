"""What a training works on: samples on the device, cut into batches that a seed decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from bccurate.learning.data import normalise
from bccurate.learning.distributed import World
from bccurate.learning.precision import Precision
from bccurate.learning.registry import IMAGES, ModelSpec
from bccurate.learning.settings import TrainSettings

DEVICE_SHARE = 0.5  # of the free memory of a GPU that the samples may take


@dataclass(frozen=True)
class Job:
    """What stays the same through a training.

    ``images``, uint8 (N, H, W, 3), or float32 (N, bases, C) for a network that reads predictions,
    and ``targets`` int64 (N,) are moved to ``device`` where they fit; the validation's stay where
    they are. ``classes`` is how many there are, ``names`` are the training files, or empty.
    """

    spec: ModelSpec
    settings: TrainSettings
    device: torch.device
    classes: int
    images: torch.Tensor
    targets: torch.Tensor
    val_images: torch.Tensor
    val_targets: torch.Tensor
    names: Sequence[str] = field(repr=False, default=())
    world: World = field(default_factory=World)

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", self.targets.to(self.device))
        if _fits(self.images, self.device):
            object.__setattr__(self, "images", self.images.to(self.device))

    def batch(self, rows: torch.Tensor) -> torch.Tensor:
        """The samples ``rows`` on the device: uint8 (n, 3, H, W), or float32 (n, bases, C)."""
        return self._ready(self.images[rows.to(self.images.device)])

    def validation(self, size: int) -> Iterator[torch.Tensor]:
        """The validation's samples, as ``batch`` gives them, ``size`` at a time on the device."""
        return map(self._ready, self.val_images.split(size))

    def inputs(self, samples: torch.Tensor) -> torch.Tensor:
        """What the network takes, of what ``batch`` gives."""
        return normalise(samples, self.spec) if self.spec.inputs == IMAGES else samples

    def logits(self, precision: Precision, model: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
        """float32 (n, C) of ``inputs``."""
        with precision.autocast(self.device):
            return model(precision.inputs(inputs)).float()

    def class_weights(self) -> torch.Tensor:
        """(C,) of N / (C * N of the class): their mean over the samples is 1.

        A class without samples has 0.
        """
        counts = self.targets.bincount(minlength=self.classes).float()
        weights = len(self.targets) / (self.classes * counts)
        return torch.where(counts > 0, weights, torch.zeros_like(weights))

    def order(self, generator: torch.Generator) -> torch.Tensor:
        """The rows of one epoch, int64 (N,), on the CPU: each once, or classes equally often."""
        if self.settings.balance != "sampling":
            return torch.randperm(len(self.images), generator=generator)
        weights = self.class_weights()[self.targets].cpu()
        return torch.multinomial(weights, len(weights), replacement=True, generator=generator)

    def _ready(self, part: torch.Tensor) -> torch.Tensor:
        part = part.to(self.device, non_blocking=True)
        return part.permute(0, 3, 1, 2) if self.spec.inputs == IMAGES else part


def derive(seed: int, *parts: int) -> int:
    """A seed of 63 bits for one purpose, unlike that of any other purpose."""
    state = np.random.SeedSequence([seed, *parts]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def batches(order: torch.Tensor, size: int, least: int = 2) -> list[torch.Tensor]:
    """``order`` cut in pieces of ``size``; a last one of fewer than ``least`` joins the one before.

    Batch normalisation has no variance to take from one image.
    """
    pieces = list(order.split(size))
    if len(pieces) > 1 and len(pieces[-1]) < least:
        pieces[-2:] = [torch.cat(pieces[-2:])]
    return pieces


def _fits(samples: torch.Tensor, device: torch.device) -> bool:
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return samples.nbytes <= DEVICE_SHARE * free
