"""Train a zoo model on arrays: deterministic, resumable, and stopped when it diverges."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from bccurate.errors import InputError
from bccurate.learning.checkpoint import save_model
from bccurate.learning.distributed import World
from bccurate.learning.job import Job
from bccurate.learning.precision import pick_device
from bccurate.learning.registry import IMAGES, ModelSpec
from bccurate.learning.resume import fingerprint
from bccurate.learning.session import Session, open_session, train_one_epoch
from bccurate.learning.settings import TrainingData, TrainingOutput, TrainResult, TrainSettings
from bccurate.learning.tracking import tracked

CHECKPOINT = "checkpoint.safetensors"
MODEL = "model.safetensors"


def train(
    spec: ModelSpec,
    data: TrainingData,
    settings: TrainSettings,
    output: TrainingOutput,
    world: World | None = None,
) -> TrainResult:
    """Train ``spec`` with Adam and cross-entropy; keep the epoch of the best validation macro F1.

    Among equal epochs the one of the lowest validation loss is kept, with no validation images the
    last. A resumed training on a CPU ends with the weights of an uninterrupted one, bit for bit.
    torch's global generator is left as it was. In a ``world`` of several processes all call this
    with equal arguments, and rank 0 writes.

    Raises:
        UsageError: a setting is out of range, or the checkpoint is of other settings or images.
        InputError: images or targets of a wrong shape or range, or weights that do not fit.
        DivergedError: a loss or gradient is not finite; the last checkpoint stays.
        NoSpaceError: the disk is full; the last checkpoint stays.
    """
    settings.check()
    _check(spec, data.images, data.targets, len(data.classes), settings.image_size, least=2)
    _check(spec, data.val_images, data.val_targets, len(data.classes), settings.image_size, least=0)
    spec = replace(spec, standardise=settings.standardise)
    device = pick_device(settings.device)
    arrays = (data.images, data.targets, data.val_images, data.val_targets)
    identity = _identity(spec, settings, data.classes, fingerprint(*arrays))
    gpus = [device.index or 0] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        images, targets, val_images, val_targets = map(_tensor, arrays)
        world = world or World()
        job = Job(
            spec, settings, device, len(data.classes), images, targets, val_images, val_targets,
            data.names, world,
        )  # fmt: skip
        path = Path(output.folder) / CHECKPOINT
        session = open_session(job, path, identity, output.resume)
        log = output.log if world.leads else "none"
        done = session.progress.epoch
        with tracked(log, Path(output.folder), asdict(settings), done) as trackers:
            while not session.over():
                train_one_epoch(session)
                for tracker in trackers:
                    tracker.row(session.progress.history[-1])
                session.save()
    return _finish(session, data.classes, output)


def _finish(session: Session, classes: list[str], output: TrainingOutput) -> TrainResult:
    """Write the best weights to ``model.safetensors`` and delete the checkpoint."""
    folder = Path(output.folder)
    job, model, progress = session.job, session.judged, session.progress
    if progress.best is not None:
        model.load_state_dict(progress.best)
    weights = folder / MODEL
    if job.world.leads:
        size = job.settings.image_size
        save_model(weights, model, job.spec, classes, size, folder.name, output.header)
        session.path.unlink(missing_ok=True)
    seconds = sum(row["seconds"] for row in progress.history)
    return TrainResult(
        weights,
        progress.history,
        progress.best_epoch,
        len(job.images) * len(progress.history) / seconds,
        job.device.type,
        str(progress.precision),
    )


def _identity(
    spec: ModelSpec, settings: TrainSettings, classes: list[str], images: str
) -> dict[str, object]:
    """Return what must be equal for a training to resume; the device may differ."""
    chosen = {key: value for key, value in asdict(settings).items() if key != "device"}
    return {"model": spec.name, "classes": classes, "images": images, **chosen}


def _check(
    spec: ModelSpec, images: np.ndarray, targets: np.ndarray, classes: int, size: int, least: int
) -> None:
    if len(images) != len(targets) or len(images) < least:
        raise InputError(
            f"{len(images)} images with {len(targets)} targets; training takes at least 2 images"
        )
    if len(images) == 0:
        return
    if spec.inputs != IMAGES:
        if images.dtype != np.float32 or images.ndim != 3 or images.shape[2] != classes:
            raise InputError(
                f"Predictions are {images.dtype} {images.shape}, not float32 (N, bases, {classes})"
            )
    elif images.dtype != np.uint8 or images.shape[1:] != (size, size, 3):
        raise InputError(
            f"Images are {images.dtype} {images.shape}, not uint8 (N, {size}, {size}, 3)"
        )
    if targets.min() < 0 or targets.max() >= classes:
        raise InputError(f"A target is not an index into the {classes} classes")


def _tensor(array: np.ndarray) -> torch.Tensor:
    """Return samples as they are and targets as int64; torch needs a copy of read-only arrays."""
    if array.ndim == 1:
        array = array.astype(np.int64)
    return torch.from_numpy(array if array.flags.writeable else array.copy())
