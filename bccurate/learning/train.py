"""Training a zoo model on arrays: deterministic, resumable, and it stops when it diverges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from bccurate.errors import InputError, UsageError
from bccurate.learning.arithmetic import choose, pick_device
from bccurate.learning.checkpoint import save_model
from bccurate.learning.loop import Job, derive, make_optimiser, train_epoch, validate
from bccurate.learning.resume import (
    Progress,
    Tensors,
    fingerprint,
    load_checkpoint,
    restore,
    save_progress,
)
from bccurate.learning.settings import TrainResult, TrainSettings
from bccurate.learning.weights import load_pretrained
from bccurate.learning.zoo import ModelSpec
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
) -> TrainResult:
    """Train ``spec`` with Adam and cross-entropy; keep the epoch of the best validation macro F1.

    Images are uint8 (N, image_size, image_size, 3), targets int (N,) indices into ``classes``.
    Among equal epochs the one of the lowest validation loss is kept, with no validation images
    the last. ``names`` are the training files, for messages. ``folder`` gets
    ``checkpoint.safetensors`` after each epoch and at the end ``model.safetensors`` instead. With
    ``resume`` a checkpoint there is taken up (with None only where it is of the same settings and
    images), and on a CPU the weights end bit for bit as if nothing had happened; without one it
    starts from the beginning. torch's global generator is left as it was.

    Raises:
        UsageError: a setting is out of range, or the checkpoint is of other settings or images.
        InputError: images or targets of a wrong shape or range, or weights that do not fit.
        DivergedError: a loss or gradient is not finite; the last checkpoint stays.
        NoSpaceError: the disk is full; the last checkpoint stays.
    """
    settings.check()
    _check_arrays(train_images, train_targets, len(classes), settings.image_size, least=2)
    _check_arrays(val_images, val_targets, len(classes), settings.image_size, least=0)
    device = pick_device(settings.device)
    data = (train_images, train_targets, val_images, val_targets)
    identity = _identity(spec, settings, classes, fingerprint(*data))
    gpus = [device.index or 0] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        images, targets, val_inputs, val_labels = map(_tensor, data)
        job = Job(spec, settings, device, images, targets, val_inputs, val_labels, names)
        session = _open(job, len(classes), Path(folder) / CHECKPOINT, identity, resume)
        while session.progress.epoch < settings.epochs:
            _epoch(session)
            session.save()
    return _finish(session, Path(folder), classes)


@dataclass
class _Session:
    """A training under way, and where its state is kept."""

    job: Job
    model: nn.Module
    optimiser: torch.optim.Adam
    progress: Progress
    path: Path
    identity: dict[str, object]

    def save(self) -> None:
        save_progress(self.path, self.model, self.optimiser, self.progress, self.identity)


def _open(
    job: Job, classes: int, path: Path, identity: dict[str, object], resume: bool | None
) -> _Session:
    """The training at its beginning, or where the checkpoint at ``path`` stands."""
    saved: Tensors | None = None
    torch.manual_seed(derive(job.settings.seed, 0))
    model = job.spec.build(classes)
    progress: Progress | None = None
    if resume is not False and path.is_file():
        try:
            saved, progress = load_checkpoint(path, identity)
        except (UsageError, InputError):
            if resume:  # asked for, and it cannot be had
                raise
    if progress is None:
        progress = _begin(model, job.spec, job.settings, job.device)
    model = progress.arithmetic.prepare(model, job.device)
    optimiser = make_optimiser(model, job.settings.lr)
    session = _Session(job, model, optimiser, progress, path, identity)
    if saved is not None:
        restore(model, optimiser, saved)
        say(f"Going on after epoch {progress.epoch} of {job.settings.epochs}")
    else:
        # Before the first epoch: the arithmetic was measured and must not be chosen anew.
        session.save()
    return session


def _begin(
    model: nn.Module, spec: ModelSpec, settings: TrainSettings, device: torch.device
) -> Progress:
    """Weights into place, and the choice of arithmetic."""
    if settings.weights != "none":
        load_pretrained(model, spec, settings.weights)
    size = settings.image_size
    try:
        model.eval()(torch.zeros(1, 3, size, size))
        return Progress(
            choose(model, device, (settings.batch_size, 3, size, size), settings.precision)
        )
    except (RuntimeError, ValueError, AssertionError) as error:
        raise UsageError(
            f"{spec.name} does not take images of {size} x {size} pixels: {error}",
            f"--image-size {max(spec.input_size, 2 * size)}",
        ) from error


def _epoch(session: _Session) -> None:
    """One epoch more."""
    job, model, progress = session.job, session.model, session.progress
    epoch = progress.epoch + 1
    before = {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}
    way = progress.arithmetic
    row: dict[str, float] = {
        "epoch": epoch,
        **train_epoch(job, way, model, session.optimiser, epoch),
    }
    if len(job.val_images):
        row |= validate(job, way, model)
    if all(_score(row) > _score(other) for other in progress.history):
        progress.best_epoch, progress.best = epoch, None
    elif progress.best is None:
        progress.best = before
    progress.epoch = epoch
    progress.history.append(row)
    shown = {k: v for k, v in row.items() if k.startswith(("train_", "val_"))}
    say(
        f"epoch {epoch}/{job.settings.epochs}  "
        + "  ".join(f"{key.replace('_', ' ')} {value:.4f}" for key, value in shown.items())
        + f"  {row['images_per_second']:,.0f} images/s"
    )


def _score(row: dict[str, float]) -> tuple[float, float]:
    """Macro F1, then the lower loss; without validation images the later epoch."""
    if "val_macro_f1" in row:
        return row["val_macro_f1"], -row["val_loss"]
    return row["epoch"], 0.0


def _finish(session: _Session, folder: Path, classes: list[str]) -> TrainResult:
    """The best weights to ``model.safetensors``, and the checkpoint away."""
    job, model, progress = session.job, session.model, session.progress
    if progress.best is not None:
        model.load_state_dict(progress.best)
    weights = folder / MODEL
    save_model(weights, model, job.spec, classes, job.settings.image_size, folder.name)
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
    images: np.ndarray, targets: np.ndarray, classes: int, size: int, least: int
) -> None:
    if len(images) != len(targets) or len(images) < least:
        raise InputError(
            f"{len(images)} images with {len(targets)} targets; training takes at least 2 images"
        )
    if len(images) == 0:
        return
    if images.dtype != np.uint8 or images.shape[1:] != (size, size, 3):
        raise InputError(
            f"Images are {images.dtype} {images.shape}, not uint8 (N, {size}, {size}, 3)"
        )
    if targets.min() < 0 or targets.max() >= classes:
        raise InputError(f"A target is not an index into the {classes} classes")


def _tensor(array: np.ndarray) -> torch.Tensor:
    """Pixels as they are, targets as int64; a read-only array is copied, as torch asks for."""
    if array.dtype != np.uint8:
        array = array.astype(np.int64)
    return torch.from_numpy(array if array.flags.writeable else array.copy())
