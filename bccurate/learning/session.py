"""Begin a training, or continue it from its checkpoint."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bccurate.errors import InputError, UsageError
from bccurate.learning.batches import TrainingContext, derive_seed
from bccurate.learning.ema import WeightAverage
from bccurate.learning.fine_tuning import check_head
from bccurate.learning.optimiser import make_optimiser
from bccurate.learning.precision import Precision, choose_precision
from bccurate.learning.pretrained import load_pretrained
from bccurate.learning.registry import IMAGES
from bccurate.learning.resume import (
    Progress,
    Tensors,
    TrainingState,
    fingerprint,
    load_checkpoint,
    restore,
    save_checkpoint,
)
from bccurate.progress import say


@dataclass
class Session:
    """A training in progress, and the checkpoint that keeps its state."""

    context: TrainingContext
    state: TrainingState
    progress: Progress
    path: Path
    identity: dict[str, Any]

    def finished(self) -> bool:
        """Return whether all epochs are done, or ``patience`` of them without a better one."""
        settings, progress = self.context.settings, self.progress
        waited = progress.epoch - max(progress.best_epoch, settings.head_epochs)
        early = 0 < settings.patience <= waited and len(self.context.data.val_images) > 0
        return early or progress.epoch >= settings.epochs

    def save(self) -> None:
        """Write the checkpoint, in the process that leads."""
        if self.context.world.leads:
            save_checkpoint(self.path, self.state, self.progress, self.identity)


def open_session(context: TrainingContext, path: Path, resume: bool | None) -> Session:
    """Return the training at its start, or where the checkpoint at ``path`` left it.

    ``resume`` is that of ``TrainingOutput``. Seeds torch's global generator.

    Raises:
        UsageError: the checkpoint is of other settings or images, or the network does not take
            images of this size.
        InputError: the checkpoint is damaged, or pretrained weights do not fit.
    """
    settings, world = context.settings, context.world
    torch.manual_seed(derive_seed(settings.seed, 0))
    model = _build(context)
    identity = _identity(context)
    found = _load(path, identity, resume) if world.leads else None
    tensors, progress = world.same(found) or (None, None)
    if progress is None:
        progress = Progress(world.same(_start(model, context)))
        world.align(model)
    model = progress.precision.prepare(model, context.device)
    average = WeightAverage(model, settings.ema) if settings.ema else None
    state = TrainingState(model, make_optimiser(model, settings.lr), average)
    session = Session(context, state, progress, path, identity)
    if tensors is not None:
        restore(state, tensors)
        say(f"Continuing after epoch {progress.epoch} of {settings.epochs}")
    else:
        session.save()  # keeps the precision, which was measured and must not change
    return session


def _identity(context: TrainingContext) -> dict[str, Any]:
    """Return what must be equal for a training to be resumed; the device may differ."""
    chosen = {k: value for k, value in asdict(context.settings).items() if k != "device"}
    data = context.data
    return {
        "model": context.spec.name,
        "classes": data.classes,
        "images": fingerprint(*data.arrays),
        **chosen,
    }


def _load(
    path: Path, identity: dict[str, Any], resume: bool | None
) -> tuple[Tensors, Progress] | None:
    """Return the checkpoint at ``path``, or None to start again."""
    if resume is False or not path.is_file():
        return None
    try:
        return load_checkpoint(path, identity)
    except (UsageError, InputError):
        if resume:
            raise
        return None


def _build(context: TrainingContext) -> nn.Module:
    classes = len(context.data.classes)
    if context.spec.inputs == IMAGES:
        return context.spec.build(classes)
    return context.spec.build(classes, bases=context.images.shape[1])


def _start(model: nn.Module, context: TrainingContext) -> Precision:
    """Load pretrained weights into ``model``, and choose the precision."""
    settings, spec = context.settings, context.spec
    if settings.weights != "none":
        load_pretrained(model, spec, settings.weights)
    if settings.head_epochs:
        check_head(model, spec.name)
    size = settings.image_size
    blank = context.inputs(context.batch(torch.tensor([0])).cpu()) * 0
    try:
        model.eval()(blank)
        shape = (settings.batch_size, *blank.shape[1:])
        precision = choose_precision(model, context.device, shape, settings.precision)
    except (RuntimeError, ValueError, AssertionError) as error:
        raise UsageError(
            f"{spec.name} does not take images of {size} x {size} pixels: {error}",
            f"--image-size {max(spec.input_size, 2 * size)}",
        ) from error
    on_gpu = context.device.type == "cuda" and spec.inputs == IMAGES
    return replace(precision, compiled=settings.compiles(on_gpu, len(context.images)))
