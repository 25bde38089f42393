"""Train a model on samples of a dataset, predict with it and store the run."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bccurate.app.link import share_zoo
from bccurate.errors import UsageError, nearest
from bccurate.hub import runs
from bccurate.hub.open import opened
from bccurate.hub.predictions import field_of
from bccurate.hub.views import clean
from bccurate.records import TrainRecord
from bccurate.workflows.artifacts import WEIGHTS, model_folder
from bccurate.workflows.model_card import with_card
from bccurate.workflows.prediction import predict_samples
from bccurate.workflows.split_metrics import part_metrics, seen_warnings, split_parts
from bccurate.workflows.training_data import Samples
from bccurate.workflows.training_history import earlier_trainings, held_out

if TYPE_CHECKING:
    from bccurate.learning.distributed import World
    from bccurate.learning.registry import ModelSpec
    from bccurate.learning.settings import TrainResult, TrainSettings


@dataclass(frozen=True)
class TrainingWork:
    """The samples to train on and where the weights go; the same in every process."""

    training: Samples
    validation: Samples
    classes: list[str]
    folder: Path
    resume: bool | None
    log: str = "none"


@dataclass(frozen=True)
class Trained:
    """A finished training.

    Attributes:
        model: name of the model.
        classes: label of each logit.
        finished: the content of ``finished.json``, see ``artifacts.write_finished``.
        options: the settings, views and data digest that the weights came of.
        trained_now: False where the weights of an earlier call were kept.
        zoo: a folder with a ``manifest.json``, or None.
    """

    model: str
    classes: list[str]
    finished: dict[str, Any]
    options: dict[str, Any]
    trained_now: bool
    zoo: str | Path | None = None


def make_settings(given: dict[str, Any]) -> TrainSettings:
    """Return the settings ``given``; values that are None and missing ones take the default.

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
    spec: ModelSpec, work: TrainingWork, settings: TrainSettings, world: World | None = None
) -> TrainResult:
    """Decode the images and train on them; write the weights to ``work.folder``."""
    from bccurate.learning.data import load_pixels
    from bccurate.learning.settings import TrainingData, TrainingOutput
    from bccurate.learning.train import train as fit_arrays

    data = TrainingData(
        load_pixels(work.training.paths, settings.image_size),
        work.training.targets(work.classes),
        load_pixels(work.validation.paths, settings.image_size),
        work.validation.targets(work.classes),
        work.classes,
        work.training.paths,
    )
    output = TrainingOutput(work.folder, work.resume, work.log)
    return fit_arrays(spec, data, settings, output, world)


def conclude(hub: Any, trained: Trained) -> TrainRecord:
    """Predict with the trained weights, measure each split and store the run."""
    model, options, finished = trained.model, trained.options, trained.finished
    run = f"train_{field_of(model)}"
    with opened(hub.name, write=True) as hub:  # again: others may have written during the training
        predicted = predict_samples(model, hub.name, device=options["device"], zoo=trained.zoo)
        parts, left_out = split_parts(clean(hub), model, trained.classes, set(finished["seen"]))
        record = TrainRecord(
            dataset=hub.name,
            model=model,
            settings={key: value for key, value in options.items() if key != "data"},
            device=finished["device"],
            weights=str(model_folder(hub.name, model) / WEIGHTS),
            best_epoch=finished["best_epoch"],
            history=finished["history"],
            images_per_second=finished["images_per_second"],
            metrics=part_metrics(parts, trained.classes),
            held_out=held_out(parts),
            earlier=earlier_trainings(runs.load(hub, run), options.get("views", [])),
            warnings=seen_warnings(left_out),
        )
        share_zoo()
        changed = runs.save(hub, run, record, options)
        record = replace(record, changed=changed or trained.trained_now or predicted.changed)
        return with_card(hub, record, trained.zoo)
