"""Training a zoo model on arrays: deterministic, resumable, and it stops when it diverges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from bccurate.errors import InputError, UsageError
from bccurate.learning.checkpoint import save_model
from bccurate.learning.distributed import World
from bccurate.learning.ema import Average
from bccurate.learning.fine_tuning import check_head, set_stage
from bccurate.learning.job import Job, derive
from bccurate.learning.loop import train_epoch, validate
from bccurate.learning.optimiser import make_optimiser
from bccurate.learning.precision import Precision, choose, pick_device
from bccurate.learning.pretrained import load_pretrained
from bccurate.learning.registry import IMAGES, ModelSpec
from bccurate.learning.resume import (
    Progress,
    Tensors,
    fingerprint,
    load_checkpoint,
    restore,
    save_progress,
)
from bccurate.learning.settings import TrainResult, TrainSettings
from bccurate.learning.tracking import tracked
from bccurate.progress import say

__all__ = ["TrainResult", "TrainSettings", "pick_device", "train"]

CHECKPOINT = "checkpoint.safetensors"
MODEL = "model.safetensors"


def train(
    spec: ModelSpec,
    train_images: np.ndarray,
    train_targets: np.ndarray,
    val_images: np.ndarray,
    val_targets: np.ndarray,
    classes: list[str],
    settings: TrainSettings,
    folder: Path,
    names: Sequence[str] = (),
    resume: bool | None = False,
    world: World | None = None,
    header: dict[str, Any] | None = None,
    log: str = "none",
) -> TrainResult:
    """Train ``spec`` with Adam and cross-entropy; keep the epoch of the best validation macro F1.

    Images are uint8 (N, image_size, image_size, 3), for a model that reads predictions float32
    (N, bases, C) logits; targets int (N,) indices into ``classes``. Among equal epochs the one of
    the lowest validation loss is kept, with no validation images the last. ``names`` are the
    training files, for messages. ``folder`` gets ``checkpoint.safetensors`` after each epoch and
    at the end ``model.safetensors`` instead, with the fields of ``header`` in its own. With
    ``resume`` a checkpoint there is taken up (with None only where it is of the same settings and
    images), and on a CPU the weights end bit for bit as if nothing had happened; without one it
    starts from the beginning. torch's global generator is left as it was. In a ``world`` of
    several processes all call this with equal arguments, and rank 0 writes. ``log`` is one of
    ``bccurate.learning.tracking.LOGS``.

    Raises:
        UsageError: a setting is out of range, or the checkpoint is of other settings or images.
        InputError: images or targets of a wrong shape or range, or weights that do not fit.
        DivergedError: a loss or gradient is not finite; the last checkpoint stays.
        NoSpaceError: the disk is full; the last checkpoint stays.
    """
    settings.check()
    _check_arrays(spec, train_images, train_targets, classes, settings.image_size, least=2)
    _check_arrays(spec, val_images, val_targets, classes, settings.image_size, least=0)
    spec = replace(spec, standardise=settings.standardise)
    device = pick_device(settings.device)
    data = (train_images, train_targets, val_images, val_targets)
    identity = _identity(spec, settings, classes, fingerprint(*data))
    gpus = [device.index or 0] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        images, targets, val_inputs, val_labels = map(_tensor, data)
        job = Job(
            *(spec, settings, device, len(classes), images, targets, val_inputs, val_labels),
            *(names, world or World()),
        )
        session = _open(job, Path(folder) / CHECKPOINT, identity, resume)
        log = log if job.world.leads else "none"
        with tracked(log, Path(folder), asdict(settings), session.progress.epoch) as trackers:
            while not session.over():
                _epoch(session)
                for tracker in trackers:
                    tracker.row(session.progress.history[-1])
                session.save()
    return _finish(session, Path(folder), classes, header or {})


@dataclass
class _Session:
    """A training under way, and where its state is kept."""

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
        return self.average.model if self.average is not None else self.model

    def over(self) -> bool:
        """Whether all epochs are done, or so many went by without a better one."""
        settings, progress = self.job.settings, self.progress
        waited = progress.epoch - max(progress.best_epoch, settings.head_epochs)
        early = 0 < settings.patience <= waited and len(self.job.val_images) > 0
        return early or progress.epoch >= settings.epochs

    def save(self) -> None:
        if self.job.world.leads:
            save_progress(
                *(self.path, self.model, self.optimiser, self.average),
                *(self.progress, self.identity),
            )


def _open(job: Job, path: Path, identity: dict[str, object], resume: bool | None) -> _Session:
    """The training at its beginning, or where the checkpoint at ``path`` stands."""
    torch.manual_seed(derive(job.settings.seed, 0))
    model = _build(job)
    found = _load(path, identity, resume) if job.world.leads else None
    saved, progress = job.world.same(found) or (None, None)
    if progress is None:
        progress = Progress(job.world.same(_begin(model, job)))
        job.world.align(model)
    model = progress.arithmetic.prepare(model, job.device)
    average = Average(model, job.settings.ema) if job.settings.ema else None
    optimiser = make_optimiser(model, job.settings.lr)
    session = _Session(job, model, optimiser, average, progress, path, identity)
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
        way = choose(model, job.device, shape, settings.precision)
    except (RuntimeError, ValueError, AssertionError) as error:
        raise UsageError(
            f"{job.spec.name} does not take images of {size} x {size} pixels: {error}",
            f"--image-size {max(job.spec.input_size, 2 * size)}",
        ) from error
    on_gpu = job.device.type == "cuda" and job.spec.inputs == IMAGES
    return replace(way, compiled=settings.compiles(on_gpu, len(job.images)))


def _epoch(session: _Session) -> None:
    """One epoch more."""
    job, model, progress = session.job, session.model, session.progress
    epoch = progress.epoch + 1
    before = {k: v.detach().cpu().clone() for k, v in session.judged.state_dict().items()}
    way = progress.arithmetic
    set_stage(model, head_only=epoch <= job.settings.head_epochs)
    row: dict[str, float] = {
        "epoch": epoch,
        **train_epoch(job, way, model, session.optimiser, epoch, session.average),
    }
    if len(job.val_images):
        row |= validate(job, way, session.judged)
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


def _finish(
    session: _Session, folder: Path, classes: list[str], header: dict[str, Any]
) -> TrainResult:
    """The best weights to ``model.safetensors``, and the checkpoint away."""
    job, model, progress = session.job, session.judged, session.progress
    if progress.best is not None:
        model.load_state_dict(progress.best)
    weights = folder / MODEL
    if job.world.leads:
        size = job.settings.image_size
        save_model(weights, model, job.spec, classes, size, folder.name, header)
        session.path.unlink(missing_ok=True)
    seconds = sum(row["seconds"] for row in progress.history)
    return TrainResult(
        weights,
        progress.history,
        progress.best_epoch,
        len(job.images) * len(progress.history) / seconds,
        job.device.type,
        str(progress.arithmetic),
    )


def _identity(
    spec: ModelSpec, settings: TrainSettings, classes: list[str], images: str
) -> dict[str, object]:
    """What must be the same for a training to be taken up; the device may be another."""
    chosen = {key: value for key, value in asdict(settings).items() if key != "device"}
    return {"model": spec.name, "classes": classes, "images": images, **chosen}


def _check_arrays(
    spec: ModelSpec,
    images: np.ndarray,
    targets: np.ndarray,
    classes: list[str],
    size: int,
    least: int,
) -> None:
    if len(images) != len(targets) or len(images) < least:
        raise InputError(
            f"{len(images)} images with {len(targets)} targets; training takes at least 2 images"
        )
    if len(images) == 0:
        return
    if spec.inputs != IMAGES:
        if images.dtype != np.float32 or images.ndim != 3 or images.shape[2] != len(classes):
            raise InputError(
                f"Predictions are {images.dtype} {images.shape}, not float32 "
                f"(N, bases, {len(classes)})"
            )
    elif images.dtype != np.uint8 or images.shape[1:] != (size, size, 3):
        raise InputError(
            f"Images are {images.dtype} {images.shape}, not uint8 (N, {size}, {size}, 3)"
        )
    if targets.min() < 0 or targets.max() >= len(classes):
        raise InputError(f"A target is not an index into the {len(classes)} classes")


def _tensor(array: np.ndarray) -> torch.Tensor:
    """Samples as they are, targets as int64; a read-only array is copied, as torch asks for."""
    if array.ndim == 1:
        array = array.astype(np.int64)
    return torch.from_numpy(array if array.flags.writeable else array.copy())
