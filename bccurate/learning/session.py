"""A training in progress: start or resume it, and train one epoch more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from bccurate.errors import InputError, UsageError
from bccurate.learning.ema import Average
from bccurate.learning.fine_tuning import check_head, set_stage
from bccurate.learning.job import Job, derive
from bccurate.learning.loop import train_epoch, validate
from bccurate.learning.optimiser import make_optimiser
from bccurate.learning.precision import Precision, choose
from bccurate.learning.pretrained import load_pretrained
from bccurate.learning.registry import IMAGES
from bccurate.learning.resume import Progress, Tensors, load_checkpoint, restore, save_progress
from bccurate.progress import say


@dataclass
class Session:
    """A training under precision, and where its state is kept."""

    job: Job
    model: nn.Module
    optimiser: torch.optim.Adam
    average: Average | None
    progress: Progress
    path: Path
    identity: dict[str, object]

    @property
    def judged(self) -> nn.Module:
        """The network whose weights are validated and kept."""
        return self.model if self.average is None else self.average.network

    def over(self) -> bool:
        """Whether all epochs are done, or so many went by without a better one."""
        settings, progress = self.job.settings, self.progress
        waited = progress.epoch - max(progress.best_epoch, settings.head_epochs)
        early = 0 < settings.patience <= waited and len(self.job.val_images) > 0
        return early or progress.epoch >= settings.epochs

    def save(self) -> None:
        """Write the checkpoint, in the leading process."""
        if self.job.world.leads:
            save_progress(
                *(self.path, self.model, self.optimiser, self.average),
                *(self.progress, self.identity),
            )


def open_session(job: Job, path: Path, identity: dict[str, object], resume: bool | None) -> Session:
    """The training at its beginning, or where the checkpoint at ``path`` stands."""
    torch.manual_seed(derive(job.settings.seed, 0))
    model = _build(job)
    found = _load(path, identity, resume) if job.world.leads else None
    saved, progress = job.world.same(found) or (None, None)
    if progress is None:
        progress = Progress(job.world.same(_begin(model, job)))
        job.world.align(model)
    model = progress.precision.prepare(model, job.device)
    average = Average(model, job.settings.ema) if job.settings.ema else None
    optimiser = make_optimiser(model, job.settings.lr)
    session = Session(job, model, optimiser, average, progress, path, identity)
    if saved is not None:
        restore(model, optimiser, average, saved)
        say(f"Going on after epoch {progress.epoch} of {job.settings.epochs}")
    else:
        # Before the first epoch: the arithmetic was measured and must not be chosen anew.
        session.save()
    return session


def _load(
    path: Path, identity: dict[str, object], resume: bool | None
) -> tuple[Tensors, Progress] | None:
    """The checkpoint at ``path``, None where there is none to take up."""
    if resume is False or not path.is_file():
        return None
    try:
        return load_checkpoint(path, identity)
    except (UsageError, InputError):
        if resume:  # asked for, and it cannot be had
            raise
        return None


def _build(job: Job) -> nn.Module:
    if job.spec.inputs == IMAGES:
        return job.spec.build(job.classes)
    return job.spec.build(job.classes, bases=job.images.shape[1])


def _begin(model: nn.Module, job: Job) -> Precision:
    """Weights into place, and the choice of arithmetic."""
    settings = job.settings
    if settings.weights != "none":
        load_pretrained(model, job.spec, settings.weights)
    if settings.head_epochs:
        check_head(model, job.spec.name)
    size = settings.image_size
    one = job.inputs(job.batch(torch.tensor([0])).cpu()) * 0
    try:
        model.eval()(one)
        shape = (settings.batch_size, *one.shape[1:])
        precision = choose(model, job.device, shape, settings.precision)
    except (RuntimeError, ValueError, AssertionError) as error:
        raise UsageError(
            f"{job.spec.name} does not take images of {size} x {size} pixels: {error}",
            f"--image-size {max(job.spec.input_size, 2 * size)}",
        ) from error
    on_gpu = job.device.type == "cuda" and job.spec.inputs == IMAGES
    return replace(precision, compiled=settings.compiles(on_gpu, len(job.images)))


def train_one_epoch(session: Session) -> None:
    """One epoch more."""
    job, model, progress = session.job, session.model, session.progress
    epoch = progress.epoch + 1
    before = {k: v.detach().cpu().clone() for k, v in session.judged.state_dict().items()}
    precision = progress.precision
    set_stage(model, head_only=epoch <= job.settings.head_epochs)
    row: dict[str, float] = {
        "epoch": epoch,
        **train_epoch(job, precision, model, session.optimiser, epoch, session.average),
    }
    if len(job.val_images):
        row |= validate(job, precision, session.judged)
    row = job.world.same(row)
    if all(_score(row) > _score(other) for other in progress.history):
        progress.best_epoch, progress.best = epoch, None
    elif progress.best is None:
        progress.best = before
    progress.epoch = epoch
    progress.history.append(row)
    say(_line(row, progress, job.settings.epochs))


def _line(row: dict[str, float], progress: Progress, epochs: int) -> str:
    """An epoch for a person: losses, accuracies, speed and what is left."""
    shown = {k: v for k, v in row.items() if k.startswith(("train_", "val_"))}
    mean = sum(old["seconds"] for old in progress.history) / len(progress.history)
    left = round(mean * (epochs - progress.epoch))
    return (
        f"epoch {progress.epoch}/{epochs}  "
        + "  ".join(f"{key.replace('_', ' ')} {value:.4f}" for key, value in shown.items())
        + f"  {row['images_per_second']:,.0f} images/s"
        + (f"  {left // 60}:{left % 60:02d} left" if left else "")
    )


def _score(row: dict[str, float]) -> tuple[float, float]:
    """Macro F1, then the lower loss; without validation images the later epoch."""
    if "val_macro_f1" in row:
        return row["val_macro_f1"], -row["val_loss"]
    return row["epoch"], 0.0
