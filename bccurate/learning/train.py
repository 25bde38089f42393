"""Train a zoo model on arrays: deterministic, resumable, stopped when the loss diverges."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import torch

from bccurate.learning.batches import TrainingContext
from bccurate.learning.checkpoint import TrainedModel, save_model
from bccurate.learning.distributed import World
from bccurate.learning.fine_tuning import set_stage
from bccurate.learning.loop import train_epoch, validate
from bccurate.learning.precision import pick_device
from bccurate.learning.registry import ModelSpec
from bccurate.learning.resume import Progress
from bccurate.learning.session import Session, open_session
from bccurate.learning.settings import TrainingData, TrainingOutput, TrainResult, TrainSettings
from bccurate.learning.tracking import tracked
from bccurate.progress import say

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

    Of epochs with equal macro F1 the one of the lowest validation loss is kept; without validation
    images the last epoch. A resumed training on a CPU ends with the same weights, bit for bit, as
    an uninterrupted one. torch's global random generator is left unchanged. In a ``world`` of
    several processes all call this with equal arguments, and rank 0 writes the files.

    Raises:
        UsageError: a setting is out of range, or the checkpoint is of other settings or images.
        InputError: arrays of a wrong shape or range, or weights that do not fit.
        DivergedError: a loss or gradient is not finite; the last checkpoint is kept.
        NoSpaceError: the disk is full; the last checkpoint is kept.
    """
    settings.check()
    data.check(spec, settings.image_size)
    spec = replace(spec, standardise=settings.standardise)
    device = pick_device(settings.device)
    gpus = [device.index or 0] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        context = TrainingContext(spec, settings, device, data, world or World())
        session = open_session(context, output.folder / CHECKPOINT, output.resume)
        log = output.log if context.world.leads else "none"
        with tracked(log, output.folder, asdict(settings), session.progress.epoch) as trackers:
            while not session.finished():
                row = _run_epoch(session)
                for tracker in trackers:
                    tracker.row(row)
                session.save()
    return _finish(session, output)


def _run_epoch(session: Session) -> dict[str, Any]:
    """Train and validate one epoch, remember the best weights, and return its history row."""
    context, state, progress = session.context, session.state, session.progress
    epoch = progress.epoch + 1
    before = {k: v.detach().cpu().clone() for k, v in state.evaluated.state_dict().items()}
    set_stage(state.model, head_only=epoch <= context.settings.head_epochs)
    row: dict[str, Any] = {
        "epoch": epoch,
        **train_epoch(context, progress.precision, state, epoch),
    }
    if len(context.data.val_images):
        row |= validate(context, progress.precision, state.evaluated)
    row = context.world.same(row)
    if all(_score(row) > _score(other) for other in progress.history):
        progress.best_epoch, progress.best = epoch, None
    elif progress.best is None:
        progress.best = before
    progress.epoch = epoch
    progress.history.append(row)
    say(_message(row, progress, context.settings.epochs))
    return row


def _score(row: dict[str, Any]) -> tuple[float, float]:
    """Return what epochs are ranked by: macro F1, then loss; without validation, recency."""
    if "val_macro_f1" in row:
        return row["val_macro_f1"], -row["val_loss"]
    return row["epoch"], 0.0


def _message(row: dict[str, Any], progress: Progress, epochs: int) -> str:
    """Return one line with losses, accuracies, speed and the time left."""
    shown = {k: v for k, v in row.items() if k.startswith(("train_", "val_"))}
    mean = sum(old["seconds"] for old in progress.history) / len(progress.history)
    left = round(mean * (epochs - progress.epoch))
    return (
        f"epoch {progress.epoch}/{epochs}  "
        + "  ".join(f"{key.replace('_', ' ')} {value:.4f}" for key, value in shown.items())
        + f"  {row['images_per_second']:,.0f} images/s"
        + (f"  {left // 60}:{left % 60:02d} left" if left else "")
    )


def _finish(session: Session, output: TrainingOutput) -> TrainResult:
    """Write the best weights to ``model.safetensors`` and delete the checkpoint."""
    context, model, progress = session.context, session.state.evaluated, session.progress
    if progress.best is not None:
        model.load_state_dict(progress.best)
    weights = output.folder / MODEL
    if context.world.leads:
        size, classes = context.settings.image_size, context.data.classes
        trained = TrainedModel(model, context.spec, classes, size, output.folder.name)
        save_model(weights, trained, output.header)
        session.path.unlink(missing_ok=True)
    seconds = sum(row["seconds"] for row in progress.history)
    return TrainResult(
        weights,
        progress.history,
        progress.best_epoch,
        len(context.images) * len(progress.history) / seconds,
        context.device.type,
        str(progress.precision),
    )
