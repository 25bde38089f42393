"""Run one epoch of training, or one validation."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import nn

from bccurate.errors import DivergedError
from bccurate.evaluation.metrics import macro_f1
from bccurate.learning.batches import TrainingContext, epoch_batches
from bccurate.learning.loss import BatchLoss, Objective
from bccurate.learning.optimiser import set_learning_rate, update
from bccurate.learning.precision import Precision
from bccurate.learning.resume import TrainingState
from bccurate.progress import track

EVALUATION_BATCH = 256
MAX_NAMED_FILES = 8
# Updates between two reads of the device, for each of which a GPU waits.
CHECK_EVERY_CPU = 1
CHECK_EVERY_GPU = 64
SHOW_EVERY = 10


class EpochSums:
    """Sums over an epoch, kept on the device: losses, correct predictions, samples."""

    def __init__(self, device: torch.device) -> None:
        self.sums = torch.zeros(3, device=device, dtype=torch.float64)
        self.not_finite = torch.zeros((), dtype=torch.bool, device=device)
        self.start = time.perf_counter()

    def add(self, batch: BatchLoss, not_finite: torch.Tensor) -> None:
        """Add a batch, and whether its update was refused."""
        correct = (batch.logits.argmax(1) == batch.targets).sum()
        n = torch.full_like(correct, len(batch.targets))
        self.sums += torch.stack([batch.losses.sum(), correct, n])
        self.not_finite |= not_finite

    def metrics(self, context: TrainingContext) -> dict[str, float]:
        """Return mean loss, accuracy and speed over all processes."""
        loss, correct, n = context.world.total(self.sums.clone()).tolist()
        seconds = time.perf_counter() - self.start
        return {
            "train_loss": loss / n,
            "train_accuracy": correct / n,
            "seconds": seconds,
            "images_per_second": n / seconds,
        }

    def text(self) -> str:
        """Return the metrics of this process so far, for the progress bar."""
        loss, correct, n = self.sums.tolist()
        speed = n / (time.perf_counter() - self.start)
        return f"loss {loss / n:.4f}  accuracy {correct / n:.4f}  {speed:,.0f} images/s"


def train_epoch(
    context: TrainingContext, precision: Precision, state: TrainingState, epoch: int
) -> dict[str, float]:
    """Train ``state`` in place for ``epoch`` (from 1); return loss, accuracy and speed.

    All random draws depend on the seed and the epoch alone, so that an epoch that is repeated
    after an interruption gives the same weights. Uses torch's global generator. The caller sets
    the mode and the stage of the network (``fine_tuning.set_stage``).

    Raises:
        DivergedError: a loss or a gradient is not finite; on a CPU the weights are those before
            that batch.
    """
    settings, optimiser = context.settings, state.optimiser
    objective, sums = Objective(context, precision), EpochSums(context.device)
    network = context.world.wrap(state.model)
    batches = list(epoch_batches(context, epoch))
    every = CHECK_EVERY_CPU if context.device.type == "cpu" else CHECK_EVERY_GPU
    recent: deque[tuple[torch.Tensor, BatchLoss]] = deque(maxlen=every)
    text = [""]
    label, part = f"epoch {epoch}/{settings.epochs}", (epoch - 1, settings.epochs)
    steps = track(batches, len(batches), label, lambda: text[0], part)
    for step, (rows, seeds) in enumerate(steps):
        set_learning_rate(optimiser, settings, epoch, step / len(batches))
        objective.augmented_share = settings.augmented_share(epoch, step / len(batches))
        batch, not_finite = train_step(objective, network, optimiser, rows, seeds)
        sums.add(batch, not_finite)
        recent.append((rows, batch))
        if (step + 1) % every == 0 or step + 1 == len(batches):
            if bool(sums.not_finite):
                raise _diverged(context, recent)
            if step % SHOW_EVERY == 0:
                text[0] = sums.text()
        if state.average is not None:
            state.average.update(state.model, (epoch - 1) * len(batches) + step + 1)
    context.world.align(state.model)
    return sums.metrics(context)


def train_step(
    objective: Objective,
    network: nn.Module,
    optimiser: torch.optim.Adam,
    rows: torch.Tensor,
    seeds: torch.Tensor,
) -> tuple[BatchLoss, torch.Tensor]:
    """Update the network on this process's share of the samples ``rows``.

    The loss is the mean over all of ``rows``: gradients are averaged over the processes, so each
    sums its own losses and divides by an equal share.

    Returns:
        the losses, without their graph, and whether the update was refused, bool scalar.
    """
    world, batch_size = objective.context.world, objective.context.settings.batch_size
    with objective.precision.stance(compiled=len(rows) == batch_size):
        batch = objective.losses(network, world.share(rows), world.share(seeds))
    loss = batch.losses.sum() * (world.size / len(rows))
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    not_finite = update(optimiser, loss)
    # Detached, since the graph would keep every activation in memory.
    return replace(batch, losses=batch.losses.detach(), logits=batch.logits.detach()), not_finite


def validate(context: TrainingContext, precision: Precision, model: nn.Module) -> dict[str, float]:
    """Return loss, accuracy and macro F1 of ``model`` on the validation images, at least one."""
    model.eval()
    with torch.inference_mode(), precision.stance(compiled=False):
        batches = context.validation_batches(EVALUATION_BATCH)
        logits = torch.cat(
            [context.logits(precision, model, context.inputs(batch)).cpu() for batch in batches]
        )
    predictions = logits.argmax(1)
    targets = torch.as_tensor(context.data.val_targets, dtype=torch.int64)
    return {
        "val_loss": F.cross_entropy(logits, targets).item(),
        "val_accuracy": (predictions == targets).float().mean().item(),
        "val_macro_f1": macro_f1(targets.numpy(), predictions.numpy()),
    }


def _diverged(
    context: TrainingContext, recent: deque[tuple[torch.Tensor, BatchLoss]]
) -> DivergedError:
    """Return the error that names a batch's files, those with a loss that is not finite first."""
    not_finite = [item for item in recent if not torch.isfinite(item[1].losses).all()]
    rows, batch = not_finite[0] if not_finite else recent[-1]
    order = torch.isfinite(batch.losses).int().argsort(stable=True).cpu()
    indices = context.world.share(rows)[order].tolist()
    names = context.data.names
    files = [names[i] if len(names) else f"image {i}" for i in indices]
    shown = ", ".join(files[:MAX_NAMED_FILES])
    extra = len(files) - MAX_NAMED_FILES
    return DivergedError(
        "Training diverged: the loss or a gradient is not finite in the batch of "
        f"{shown}{f' and {extra} more' if extra > 0 else ''}",
        f"bccurate train {context.spec.name} --lr {context.settings.lr / 10:g}",
    )
