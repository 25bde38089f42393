"""One epoch of training, one pass of validation."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import nn

from bccurate.errors import DivergedError
from bccurate.learning.ema import Average
from bccurate.learning.job import Job, batches, derive
from bccurate.learning.loss import Batch, Objective
from bccurate.learning.optimiser import set_rate, update
from bccurate.learning.precision import Precision
from bccurate.progress import track

EVALUATION_BATCH = 256
NAMED_FILES = 8
# How often what a device computed is read back: on a GPU that makes it wait.
CHECK_EVERY = {"cpu": 1}
CHECK_SELDOM = 64
SHOW_EVERY = 10


class Tally:
    """Sums of an epoch, on the device: loss, hits and samples, and whether any was not finite."""

    def __init__(self, job: Job) -> None:
        self.sums = torch.zeros(3, device=job.device, dtype=torch.float64)
        self.broken = torch.zeros((), dtype=torch.bool, device=job.device)
        self.start = time.perf_counter()

    def add(self, batch: Batch, broken: torch.Tensor) -> None:
        """Take a batch in."""
        hits = (batch.logits.argmax(1) == batch.targets).sum()
        n = torch.full_like(hits, len(batch.targets))
        self.sums += torch.stack([batch.losses.sum(), hits, n])
        self.broken |= broken

    def figures(self, job: Job) -> dict[str, float]:
        """Mean loss, accuracy and speed over all processes."""
        loss, hits, n = job.world.total(self.sums.clone()).tolist()
        seconds = time.perf_counter() - self.start
        return {
            "train_loss": loss / n,
            "train_accuracy": hits / n,
            "seconds": seconds,
            "images_per_second": n / seconds,
        }

    def text(self) -> str:
        """The figures so far, of this process, for the progress bar."""
        loss, hits, n = self.sums.tolist()
        speed = n / (time.perf_counter() - self.start)
        return f"loss {loss / n:.4f}  accuracy {hits / n:.4f}  {speed:,.0f} images/s"


def train_epoch(
    job: Job,
    precision: Precision,
    model: nn.Module,
    optimiser: torch.optim.Adam,
    epoch: int,
    average: Average | None = None,
) -> dict[str, float]:
    """Train ``model`` for the epoch ``epoch`` (from 1) in place; loss, accuracy and speed.

    All that is random comes from the seed and the epoch, so that an epoch that is done again
    after an interruption is the same epoch. Touches torch's global generator. ``model`` is in the
    mode and the stage that it is to be trained in; ``average`` follows it.

    Raises:
        DivergedError: a loss or a gradient is not finite; the weights are as before that batch.
    """
    objective, tally = Objective(job, precision), Tally(job)
    network = job.world.wrap(model)
    pieces = list(_pieces(job, epoch))
    every = CHECK_EVERY.get(job.device.type, CHECK_SELDOM)
    text = [""]
    recent: deque[tuple[torch.Tensor, Batch]] = deque(maxlen=every)
    label = f"epoch {epoch}/{job.settings.epochs}"
    part = epoch - 1, job.settings.epochs
    steps = track(pieces, len(pieces), label, lambda: text[0], part)
    for step, (rows, seeds) in enumerate(steps):
        set_rate(optimiser, job.settings, epoch, step / len(pieces))
        objective.share = job.settings.augmented_share(epoch, step / len(pieces))
        batch, broken = train_step(objective, network, optimiser, rows, seeds)
        tally.add(batch, broken)
        recent.append((rows, batch))
        if (step + 1) % every == 0 or step + 1 == len(pieces):
            if bool(tally.broken):
                raise _diverged(job, recent)
            if step % SHOW_EVERY == 0:
                text[0] = tally.text()
        if average is not None:
            average.update(model, (epoch - 1) * len(pieces) + step + 1)
    job.world.align(model)
    return tally.figures(job)


def train_step(
    objective: Objective,
    network: nn.Module,
    optimiser: torch.optim.Adam,
    rows: torch.Tensor,
    seeds: torch.Tensor,
) -> tuple[Batch, torch.Tensor]:
    """One update on this process's part of the samples ``rows``, and whether it was refused.

    The loss is the mean over all of ``rows``: gradients are averaged over the processes, so each
    adds up its own losses and divides by its equal share.
    """
    world = objective.job.world
    with objective.precision.stance(len(rows) == objective.job.settings.batch_size):
        batch = objective.losses(network, world.share(rows), world.share(seeds))
    loss = batch.losses.sum() * (world.size / len(rows))
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    broken = update(optimiser, loss)
    # Without its graph, which would keep every activation alive.
    return replace(batch, losses=batch.losses.detach(), logits=batch.logits.detach()), broken


def validate(job: Job, precision: Precision, model: nn.Module) -> dict[str, float]:
    """Loss, accuracy and macro F1 of ``model`` on the validation images, at least one."""
    from bccurate.evaluation.metrics import macro_f1  # late: a machine that trains may lack sklearn

    model.eval()
    with torch.inference_mode(), precision.stance(compiled=False):
        parts = job.validation(EVALUATION_BATCH)
        logits = torch.cat([job.logits(precision, model, job.inputs(part)).cpu() for part in parts])
    predictions = logits.argmax(1)
    return {
        "val_loss": F.cross_entropy(logits, job.val_targets).item(),
        "val_accuracy": (predictions == job.val_targets).float().mean().item(),
        "val_macro_f1": macro_f1(job.val_targets.numpy(), predictions.numpy(), logits.shape[1]),
    }


def _pieces(job: Job, epoch: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Rows and seeds of every batch of an epoch; torch's global generator is seeded for it."""
    generator = torch.Generator().manual_seed(derive(job.settings.seed, epoch, 0))
    order = job.order(generator)
    seeds = _seeds(job, order, generator)
    torch.manual_seed(derive(job.settings.seed, epoch, 1, job.world.rank))
    places = torch.arange(len(order))
    for part in batches(places, job.settings.batch_size, least=2 * job.world.size):
        yield order[part], seeds[part]


def _seeds(job: Job, order: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A seed for each of the rows ``order``: of this epoch, or a row's own in all epochs."""
    if job.settings.redraw:
        return torch.randint(2**62, (len(order),), generator=generator)
    once = torch.Generator().manual_seed(derive(job.settings.seed, 2))
    return torch.randint(2**62, (len(job.targets),), generator=once)[order]


def _diverged(job: Job, recent: deque[tuple[torch.Tensor, Batch]]) -> DivergedError:
    """The error that names a batch's files, those with a loss that is not finite first."""
    broken = [item for item in recent if not torch.isfinite(item[1].losses).all()]
    rows, batch = broken[0] if broken else recent[-1]
    order = torch.isfinite(batch.losses).int().argsort(stable=True).cpu()
    indices = job.world.share(rows)[order].tolist()
    files = [job.names[i] if job.names else f"image {i}" for i in indices]
    shown = ", ".join(files[:NAMED_FILES])
    more = f" and {len(files) - NAMED_FILES} more" if len(files) > NAMED_FILES else ""
    return DivergedError(
        f"Training diverged: the loss or a gradient is not finite in the batch of {shown}{more}",
        f"bccurate train {job.spec.name} --lr {job.settings.lr / 10:g}",
    )
