"""``bccurate train``: train a zoo model on the clean training samples, then predict on all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bccurate.errors import UsageError
from bccurate.files import sweep
from bccurate.hub.open import opened
from bccurate.hub.write_lock import write_lock
from bccurate.progress import say
from bccurate.records import TrainRecord
from bccurate.settings.in_use import dataset_in_use
from bccurate.settings.training import TrainOptions
from bccurate.workflows.artifacts import finished_with, model_folder, write_finished
from bccurate.workflows.train_stacker import StackerRequest, train_stacker
from bccurate.workflows.training_data import (
    classes_of,
    digest,
    training_samples,
    validation_samples,
)
from bccurate.workflows.training_run import Trained, TrainingWork, conclude, fit, make_settings

if TYPE_CHECKING:
    from bccurate.learning.distributed import World
    from bccurate.learning.registry import ModelSpec
    from bccurate.learning.settings import TrainSettings


@dataclass(frozen=True)
class _Request:
    """What the command line or a caller asked for."""

    dataset: str
    views: list[str]
    resume: bool | None
    zoo: str | Path | None
    log: str


def train(
    model: str,
    dataset: str | None = None,
    views: Sequence[str] = (),
    resume: bool | None = None,
    zoo: str | Path | None = None,
    bases: Sequence[str] = (),
    folds: int = TrainOptions.folds,
    recipe: str | None = None,
    log: str = TrainOptions.log,
    **settings: Any,
) -> TrainRecord:
    """Train a model and write its predictions on all samples to the field of its name.

    Training samples carry the tag ``train`` and stand in ``views``; the epoch that is kept is
    the best on the clean samples with the tag ``val``.

    Args:
        model: a name from ``models()`` or ``timm:<name>``.
        dataset: name; the one in use where None.
        views: saved views, joined; the clean samples where there are none.
        resume: None goes on from the last checkpoint where it is of the same run; True insists
            on one; False begins anew.
        zoo: a folder with a ``manifest.json``, beside the installed zoos; ``$BCCURATE_ZOO`` where
            None.
        bases: of a stacker, the trained models that it joins; the three best by validation macro
            F1 where there are none.
        folds: of a stacker, into how many parts the training samples are cut, at least 2.
        recipe: ``paper`` or ``robust``: settings that belong together; those given win.
        log: ``auto``: curves for TensorBoard where it is installed; ``none``, ``tensorboard`` or
            ``wandb``. A stacker has none.
        settings: ``epochs``, ``lr``, ``augment`` and all else that
            ``bccurate.learning.settings.TrainSettings`` names; the image size is the model's own
            where it is not given.

    Raises:
        UsageError: an unknown model, view, setting or value.
        InputError: no training samples, fewer than two classes, or broken weights.
        DivergedError: the loss left the finite numbers.
    """
    from bccurate.learning.distributed import joined
    from bccurate.learning.precision import pick_device
    from bccurate.learning.recipes import with_recipe
    from bccurate.learning.registry import PREDICTIONS, find_model
    from bccurate.learning.tracking import check_log

    spec = find_model(model, zoo)
    settings = with_recipe(recipe, settings)
    if spec.inputs == PREDICTIONS:
        if views:
            raise UsageError(f"{model} takes the views of its bases: leave out --view")
        stack = StackerRequest(dataset_in_use(dataset), list(bases), folds, resume, zoo)
        return train_stacker(spec, stack, settings)
    if bases:
        raise UsageError(f"{model} reads images: it takes no --base", "bccurate train stacker")
    check_log(log)
    size = settings.get("image_size") or spec.input_size
    chosen = make_settings(settings | {"image_size": size})
    with joined(pick_device(chosen.device)) as world:
        if world.leads:
            request = _Request(dataset_in_use(dataset), list(views), resume, zoo, log)
            return world.same(_lead(spec, request, chosen, world))
        _follow(spec, chosen, world)
        return world.same(cast(TrainRecord, None))


def _lead(spec: ModelSpec, request: _Request, settings: TrainSettings, world: World) -> TrainRecord:
    """Run in the process that reads and writes the dataset; send the others their samples."""
    name = request.dataset
    with write_lock(f"{name} {spec.name}"), opened(name) as hub:
        training, validation = training_samples(hub, request.views), validation_samples(hub)
        classes = classes_of(training, name)
        validation = validation.known(classes)
        options = asdict(settings) | {"views": request.views, "data": digest(training, validation)}
        folder = model_folder(name, spec.name)
        finished = finished_with(folder, options)
        trained_now = finished is None
        work = TrainingWork(training, validation, classes, folder, request.resume, request.log)
        world.same(work if trained_now else None)
        sweep(folder)
        if finished is None:
            say(
                f"training {spec.name} on {len(training.paths):,} images of {len(classes)} "
                f"classes, validating on {len(validation.paths):,}"
            )
            result = fit(spec, work, settings, world)
            finished = write_finished(folder, options, result, set(training.contents))
        trained = Trained(spec.name, classes, finished, options, trained_now, request.zoo)
        return conclude(hub, trained)


def _follow(spec: ModelSpec, settings: TrainSettings, world: World) -> None:
    """Run in a further process: take part in the training and write nothing."""
    work: TrainingWork | None = world.same(None)
    if work is not None:
        fit(spec, work, settings, world)
