"""One epoch of training, one pass of validation."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from bccurate.augmentation.variants import augment_batch
from bccurate.errors import DivergedError
from bccurate.learning.arithmetic import Arithmetic
from bccurate.learning.data import normalise
from bccurate.learning.settings import TrainSettings
from bccurate.learning.zoo import ModelSpec
from bccurate.progress import track

EVALUATION_BATCH = 256
NAMED_FILES = 8


@dataclass(frozen=True)
class Job:
    """What stays the same through a training.

    ``images`` uint8 (N, H, W, 3) and ``targets`` int64 (N,) are moved to ``device``, the
    validation's stay where they are; ``names`` are the training files, or empty.
    """

    spec: ModelSpec
    settings: TrainSettings
    device: torch.device
    images: torch.Tensor
    targets: torch.Tensor
    val_images: torch.Tensor
    val_targets: torch.Tensor
    names: Sequence[str] = field(repr=False, default=())

    def __post_init__(self) -> None:
        for name in ("images", "targets"):
            object.__setattr__(self, name, getattr(self, name).to(self.device))

    def logits(self, way: Arithmetic, model: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
        """float32 (n, C) of ``pixels`` uint8 (n, 3, H, W)."""
        batch = way.inputs(normalise(pixels, self.spec))
        with way.autocast(self.device):
            return model(batch).float()


def make_optimiser(model: nn.Module, lr: float) -> torch.optim.Adam:
    """Adam, fused; the L2 factors are those of the module's ``weight_decay`` attribute.

    As L2 in the loss (Adam's own coupled form), of the weights and not of biases.
    """
    factors: dict[str, float] = getattr(model, "weight_decay", None) or {}
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        decay = max((v for k, v in factors.items() if name.startswith(f"{k}.")), default=0.0)
        groups.setdefault(decay if parameter.ndim > 1 else 0.0, []).append(parameter)
    rows = [{"params": params, "weight_decay": decay} for decay, params in groups.items()]
    return torch.optim.Adam(rows, lr=lr, fused=True)


def derive(seed: int, *parts: int) -> int:
    """A seed of 63 bits for one purpose, unlike that of any other purpose."""
    state = np.random.SeedSequence([seed, *parts]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def batches(order: torch.Tensor, size: int) -> list[torch.Tensor]:
    """``order`` cut in pieces of ``size``; a last one of one joins the piece before it.

    Batch normalisation has no variance to take from one image.
    """
    pieces = list(order.split(size))
    if len(pieces) > 1 and len(pieces[-1]) == 1:
        pieces[-2:] = [torch.cat(pieces[-2:])]
    return pieces


def train_epoch(
    job: Job, way: Arithmetic, model: nn.Module, optimiser: torch.optim.Adam, epoch: int
) -> dict[str, float]:
    """Train ``model`` for the epoch ``epoch`` (from 1) in place; loss, accuracy and speed.

    All that is random comes from the seed and the epoch, so that an epoch that is done again
    after an interruption is the same epoch. Touches torch's global generator (dropout).

    Raises:
        DivergedError: a loss or a gradient is not finite; the weights are as before that batch.
    """
    start = time.perf_counter()
    generator = torch.Generator().manual_seed(derive(job.settings.seed, epoch, 0))
    order = torch.randperm(len(job.images), generator=generator)
    seeds = torch.randint(2**62, (len(order),), generator=generator)
    torch.manual_seed(derive(job.settings.seed, epoch, 1))
    pieces = batches(order, job.settings.batch_size)
    loss_sum = torch.zeros((), device=job.device)
    correct = torch.zeros((), device=job.device)
    model.train()
    label = f"epoch {epoch}/{job.settings.epochs}"
    for step, rows in enumerate(track(pieces, len(pieces), label)):
        done = (epoch - 1 + step / len(pieces)) / job.settings.epochs
        loss, hits = train_step(job, way, model, optimiser, rows, seeds[rows], done)
        loss_sum += loss * len(rows)
        correct += hits
    seconds = time.perf_counter() - start
    return {
        "train_loss": loss_sum.item() / len(order),
        "train_accuracy": correct.item() / len(order),
        "seconds": seconds,
        "images_per_second": len(order) / seconds,
    }


def train_step(
    job: Job,
    way: Arithmetic,
    model: nn.Module,
    optimiser: torch.optim.Adam,
    rows: torch.Tensor,
    seeds: torch.Tensor,
    done: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """One update on the images ``rows``; mean loss and number of hits, scalars on the device.

    ``done`` in [0, 1) is the share of the training that lies behind: the learning rate falls
    from ``lr`` to 0 along half a cosine (Loshchilov and Hutter 2017, no restarts).

    Raises:
        DivergedError: the loss or a gradient is not finite; nothing was updated.
    """
    rows = rows.to(job.device)
    pixels = augment_batch(job.settings.augment, job.images[rows].permute(0, 3, 1, 2), seeds)
    targets = job.targets[rows]
    logits = job.logits(way, model, pixels)
    loss = F.cross_entropy(logits, targets)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    norm = nn.utils.get_total_norm(gradients)
    if not torch.isfinite(loss.detach() + norm):
        raise _diverged(job, rows, logits.detach(), targets)
    for group in optimiser.param_groups:
        group["lr"] = job.settings.lr * 0.5 * (1 + math.cos(math.pi * done))
    optimiser.step()
    return loss.detach(), (logits.detach().argmax(1) == targets).sum()


def validate(job: Job, way: Arithmetic, model: nn.Module) -> dict[str, float]:
    """Loss, accuracy and macro F1 of ``model`` on the validation images, at least one."""
    model.eval()
    with torch.inference_mode():
        logits = torch.cat(
            [
                job.logits(way, model, part.to(job.device).permute(0, 3, 1, 2)).cpu()
                for part in job.val_images.split(EVALUATION_BATCH)
            ]
        )
    predictions = logits.argmax(1)
    return {
        "val_loss": F.cross_entropy(logits, job.val_targets).item(),
        "val_accuracy": (predictions == job.val_targets).float().mean().item(),
        "val_macro_f1": macro_f1(job.val_targets.numpy(), predictions.numpy(), logits.shape[1]),
    }


def macro_f1(targets: np.ndarray, predictions: np.ndarray, classes: int) -> float:
    """Mean F1, in [0, 1], over the classes that occur in ``targets`` or ``predictions``."""
    hits = np.bincount(targets[targets == predictions], minlength=classes)
    both = np.bincount(targets, minlength=classes) + np.bincount(predictions, minlength=classes)
    present = both > 0
    return float((2 * hits[present] / both[present]).mean())


def _diverged(
    job: Job, rows: torch.Tensor, logits: torch.Tensor, targets: torch.Tensor
) -> DivergedError:
    """The error that names the batch's files, those with a loss that is not finite first."""
    losses = F.cross_entropy(logits, targets, reduction="none")
    order = torch.isfinite(losses).int().argsort(stable=True)
    indices = rows[order].tolist()
    files = [job.names[i] if job.names else f"image {i}" for i in indices]
    shown = ", ".join(files[:NAMED_FILES])
    more = f" and {len(files) - NAMED_FILES} more" if len(files) > NAMED_FILES else ""
    return DivergedError(
        f"Training diverged: the loss or a gradient is not finite in the batch of {shown}{more}",
        f"bccurate train {job.spec.name} --lr {job.settings.lr / 10:g}",
    )
