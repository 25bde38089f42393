"""``bccurate train``: train a zoo model on the clean training samples, then predict on all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from bccurate.app.link import share_zoo
from bccurate.commands.predict import predict
from bccurate.errors import UsageError, nearest
from bccurate.files import sweep
from bccurate.hub import runs
from bccurate.hub.open import opened
from bccurate.hub.predictions import field_of
from bccurate.hub.views import clean
from bccurate.hub.write_lock import write_lock
from bccurate.progress import say
from bccurate.records import TrainRecord
from bccurate.settings import dataset_in_use
from bccurate.workflows.artifacts import (
    WEIGHTS,
    finished_with,
    model_folder,
    part_metrics,
    seen_warnings,
    split_parts,
    write_finished,
)
from bccurate.workflows.model_card import with_card
from bccurate.workflows.training_data import (
    Samples,
    classes_of,
    digest,
    training_samples,
    validation_samples,
)
from bccurate.workflows.training_history import earlier_trainings, held_out

if TYPE_CHECKING:
    from bccurate.learning.distributed import World
    from bccurate.learning.registry import ModelSpec
    from bccurate.learning.settings import TrainResult, TrainSettings


class Work(NamedTuple):
    """What is to be trained on; the same in every process."""

    training: Samples
    validation: Samples
    classes: list[str]
    folder: Path
    resume: bool | None
    log: str = "none"


def train(
    model: str,
    dataset: str | None = None,
    views: Sequence[str] = (),
    resume: bool | None = None,
    zoo: str | Path | None = None,
    bases: Sequence[str] = (),
    folds: int = 5,
    recipe: str | None = None,
    log: str = "auto",
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
        from bccurate.workflows.train_stacker import train_stacker

        if views:
            raise UsageError(f"{model} takes the views of its bases: leave out --view")
        name = dataset_in_use(dataset)
        return train_stacker(spec, name, list(bases), folds, resume, zoo, settings)
    if bases:
        raise UsageError(f"{model} reads images: it takes no --base", "bccurate train stacker")
    check_log(log)
    size = settings.get("image_size") or spec.input_size
    chosen = make_settings(settings | {"image_size": size})
    with joined(pick_device(chosen.device)) as world:
        if world.leads:
            name = dataset_in_use(dataset)
            plan = (list(views), resume, zoo, log)
            return world.same(_lead(spec, name, *plan, chosen, world))
        _follow(spec, chosen, world)
        return world.same(cast(TrainRecord, None))


def make_settings(given: dict[str, Any]) -> TrainSettings:
    """The settings ``given``, those that are None left out, the rest by default.

    Raises:
        UsageError: an unknown name, or a value out of range.
    """
    from bccurate.learning.settings import TrainSettings

    known = [field.name for field in fields(TrainSettings)]
    for name in given:
        if name not in known:
            raise UsageError(f"train has no setting {name!r}.{nearest(name, known)}")
    settings = TrainSettings(**{key: value for key, value in given.items() if value is not None})
    settings.check()
    return settings


def fit(
    spec: ModelSpec, work: Work, settings: TrainSettings, world: World | None = None
) -> TrainResult:
    """Decode the images and train on them; the weights go to the work's folder."""
    from bccurate.learning.data import load_pixels
    from bccurate.learning.train import train as fit_arrays

    return fit_arrays(
        spec,
        load_pixels(work.training.paths, settings.image_size),
        work.training.targets(work.classes),
        load_pixels(work.validation.paths, settings.image_size),
        work.validation.targets(work.classes),
        work.classes,
        settings,
        work.folder,
        names=work.training.paths,
        resume=work.resume,
        world=world,
        log=work.log,
    )


def _lead(
    spec: ModelSpec,
    name: str,
    views: list[str],
    resume: bool | None,
    zoo: str | Path | None,
    log: str,
    settings: TrainSettings,
    world: World,
) -> TrainRecord:
    """The process that reads and writes the dataset; it tells the others what to train on."""
    with write_lock(f"{name} {spec.name}"), opened(name) as hub:
        training, validation = training_samples(hub, views), validation_samples(hub)
        classes = classes_of(training, name)
        validation = validation.known(classes)
        options = asdict(settings) | {"views": views, "data": digest(training, validation)}
        folder = model_folder(name, spec.name)
        finished = finished_with(folder, options)
        trained_now = finished is None
        work = Work(training, validation, classes, folder, resume, log)
        world.same(work if trained_now else None)
        sweep(folder)
        if finished is None:
            say(
                f"training {spec.name} on {len(training.paths):,} images of {len(classes)} "
                f"classes, validating on {len(validation.paths):,}"
            )
            result = fit(spec, work, settings, world)
            finished = write_finished(folder, options, result, set(training.contents))
        return conclude(hub, spec.name, classes, finished, options, trained_now, zoo)


def _follow(spec: ModelSpec, settings: TrainSettings, world: World) -> None:
    """A further process: it trains along and touches nothing else."""
    work: Work | None = world.same(None)
    if work is not None:
        fit(spec, work, settings, world)


def conclude(
    hub: Any,
    model: str,
    classes: list[str],
    finished: dict[str, Any],
    options: dict[str, Any],
    trained_now: bool,
    zoo: str | Path | None,
) -> TrainRecord:
    """Predict with the trained weights, and store what was done as a run."""
    run = f"train_{field_of(model)}"
    with opened(hub.name, write=True) as hub:  # again: others may have written while it trained
        predicted = predict(model, hub.name, device=options["device"], zoo=zoo)
        parts, left_out = split_parts(clean(hub), model, classes, set(finished["seen"]))
        record = TrainRecord(
            dataset=hub.name,
            model=model,
            settings={key: value for key, value in options.items() if key != "data"},
            device=finished["device"],
            weights=str(model_folder(hub.name, model) / WEIGHTS),
            best_epoch=finished["best_epoch"],
            history=finished["history"],
            images_per_second=finished["images_per_second"],
            metrics=part_metrics(parts, classes),
            held_out=held_out(parts),
            earlier=earlier_trainings(runs.load(hub, run), options.get("views", [])),
            warnings=seen_warnings(left_out),
        )
        share_zoo()
        changed = runs.save(hub, run, record, options)
        record = replace(record, changed=changed or trained_now or predicted.changed)
        return with_card(hub, record, zoo)
