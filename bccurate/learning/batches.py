"""Cut the samples of a training into batches, in an order that only the seed decides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from bccurate.learning.data import normalise
from bccurate.learning.distributed import World
from bccurate.learning.precision import Precision
from bccurate.learning.registry import IMAGES, ModelSpec
from bccurate.learning.settings import TrainingData, TrainSettings

DEVICE_SHARE = 0.5  # of a GPU's free memory that the samples may take


@dataclass(frozen=True)
class TrainingContext:
    """What stays the same through a training.

    Attributes:
        spec: the network.
        settings: of the training.
        device: where it runs.
        data: the samples, as numpy arrays.
        world: the processes that train together.
        images: on ``device`` where they fit into its memory: uint8 (N, H, W, 3), or float32
            (N, bases, C) for a network that reads predictions.
        targets: int64 (N,) on ``device``.
    """

    spec: ModelSpec
    settings: TrainSettings
    device: torch.device
    data: TrainingData
    world: World = field(default_factory=World)
    images: torch.Tensor = field(init=False, repr=False)
    targets: torch.Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        images = _tensor(self.data.images)
        if _fits(images, self.device):
            images = images.to(self.device)
        targets = _tensor(self.data.targets.astype(np.int64)).to(self.device)
        object.__setattr__(self, "images", images)
        object.__setattr__(self, "targets", targets)

    def batch(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the samples ``rows`` on the device: uint8 (n, 3, H, W), or (n, bases, C)."""
        return self._on_device(self.images[rows.to(self.images.device)])

    def validation_batches(self, size: int) -> Iterator[torch.Tensor]:
        """Yield the validation samples in the form of ``batch``, ``size`` at a time."""
        return map(self._on_device, _tensor(self.data.val_images).split(size))

    def inputs(self, samples: torch.Tensor) -> torch.Tensor:
        """Return the network's input, float32, for samples in the form of ``batch``."""
        return normalise(samples, self.spec) if self.spec.inputs == IMAGES else samples

    def logits(self, precision: Precision, model: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
        """Return the logits float32 (n, C) of ``inputs``, computed in ``precision``."""
        with precision.autocast(self.device):
            return model(precision.inputs(inputs)).float()

    def class_weights(self) -> torch.Tensor:
        """Return N / (C * N of the class), float32 (C,); their mean over the samples is 1.

        A class without samples has 0. The same as scikit-learn's ``class_weight="balanced"``.
        """
        classes = len(self.data.classes)
        counts = self.targets.bincount(minlength=classes).float()
        weights = len(self.targets) / (classes * counts)
        return torch.where(counts > 0, weights, torch.zeros_like(weights))

    def order(self, generator: torch.Generator) -> torch.Tensor:
        """Return the rows of one epoch, int64 (N,), on the CPU.

        Each row once in random order, or drawn with replacement so that all classes are equally
        likely.
        """
        if self.settings.balance != "sampling":
            return torch.randperm(len(self.images), generator=generator)
        weights = self.class_weights()[self.targets].cpu()
        return torch.multinomial(weights, len(weights), replacement=True, generator=generator)

    def _on_device(self, samples: torch.Tensor) -> torch.Tensor:
        samples = samples.to(self.device, non_blocking=True)
        return samples.permute(0, 3, 1, 2) if self.spec.inputs == IMAGES else samples


def derive_seed(seed: int, *purpose: int) -> int:
    """Return a seed of 63 bits for one purpose, independent of the seeds of other purposes."""
    state = np.random.SeedSequence([seed, *purpose]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def split_batches(order: torch.Tensor, size: int, minimum: int = 2) -> list[torch.Tensor]:
    """Cut ``order`` into batches of ``size``.

    A last batch of fewer than ``minimum`` rows joins the one before: batch normalisation needs
    more than one image.
    """
    batches = list(order.split(size))
    if len(batches) > 1 and len(batches[-1]) < minimum:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def epoch_batches(
    context: TrainingContext, epoch: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield rows and augmentation seeds of every batch of ``epoch``, both int64 (n,), on the CPU.

    Seeds torch's global generator for the epoch.
    """
    settings, world = context.settings, context.world
    generator = torch.Generator().manual_seed(derive_seed(settings.seed, epoch, 0))
    order = context.order(generator)
    seeds = _augmentation_seeds(context, order, generator)
    torch.manual_seed(derive_seed(settings.seed, epoch, 1, world.rank))
    positions = torch.arange(len(order))
    for batch in split_batches(positions, settings.batch_size, minimum=2 * world.size):
        yield order[batch], seeds[batch]


def _augmentation_seeds(
    context: TrainingContext, order: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Return a seed for each of the rows ``order``: a new one per epoch, or one for all epochs."""
    if context.settings.redraw:
        return torch.randint(2**62, (len(order),), generator=generator)
    fixed = torch.Generator().manual_seed(derive_seed(context.settings.seed, 2))
    return torch.randint(2**62, (len(context.targets),), generator=fixed)[order]


def _fits(samples: torch.Tensor, device: torch.device) -> bool:
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return samples.nbytes <= DEVICE_SHARE * free


def _tensor(array: np.ndarray) -> torch.Tensor:
    """Return ``array`` as a tensor, without a copy where torch allows it (writeable arrays)."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())
