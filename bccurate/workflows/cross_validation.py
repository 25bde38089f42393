"""Models trained anew without each fold, so that all is judged by one that has not seen it.

The training samples are cut into folds that part no duplicates. What a model says of its own
training images tells how well it learned them by heart; what one says that was trained without
them is what it will say of new ones.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bccurate.curation.splits import assign_folds
from bccurate.errors import InputError, UsageError
from bccurate.files import sweep
from bccurate.hub.read import columns
from bccurate.hub.views import originals
from bccurate.progress import say
from bccurate.workflows.artifacts import (
    finished_with,
    model_folder,
    read_finished,
    write_finished,
)
from bccurate.workflows.stacking_features import fold_folder
from bccurate.workflows.training_data import Samples, classes_of, digest, training_samples
from bccurate.workflows.training_run import TrainingWork, fit, make_settings

if TYPE_CHECKING:
    from bccurate.learning.registry import ModelSpec
    from bccurate.learning.settings import TrainSettings


@dataclass(frozen=True)
class Base:
    """A model that was trained on a dataset, and how: ``sha256`` is of its weights."""

    spec: ModelSpec
    settings: TrainSettings
    views: list[str]
    sha256: str


def base_of(name: str, model: str, zoo: str | Path | None) -> Base:
    """The model as it was trained on the dataset ``name``.

    Raises:
        UsageError: there is no such model, it was not trained, or it reads predictions.
    """
    from bccurate.learning.registry import find_model

    spec = find_model(model, zoo)
    finished = read_finished(model_folder(name, model))
    if finished is None or "bases" in finished["options"]:
        raise UsageError(
            f"Model {model!r} was not trained on the images of {name!r}.",
            f"bccurate train {model} -d {name}",
        )
    options = dict(finished["options"])
    views = options.pop("views")
    options.pop("data")
    return Base(spec, make_settings(options), views, finished["weights"])


def assign(hub: Any, training: Samples, folds: int, seed: int) -> dict[str, int]:
    """Content to fold, of the training samples and of all that is linked to them."""
    rows = list(zip(*columns(originals(hub), "filepath", "pixelhash", "linked_group"), strict=True))
    group_of = {path: group for path, _, group in rows}
    groups: list[int | str] = [
        path if group_of.get(path) is None else group_of[path] for path in training.paths
    ]
    assigned = assign_folds(training.labels, groups, training.paths, folds, seed)
    of_group = dict(zip(groups, assigned, strict=True))
    linked = {pixels or path: of_group[group] for path, pixels, group in rows if group in of_group}
    return linked | dict(zip(training.contents, assigned, strict=True))


@dataclass(frozen=True)
class FoldPlan:
    """How the training samples are cut into folds.

    Attributes:
        folds: number of folds.
        fold_of: checksum of pixels to fold.
        validation: samples that choose the epoch.
        classes: label of each logit.
        folder: where the weights of the folds go.
        resume: as for ``bccurate.train``.
    """

    folds: int
    fold_of: dict[str, int]
    validation: Samples
    classes: list[str]
    folder: Path
    resume: bool | None = None


def train_folds(hub: Any, bases: list[Base], plan: FoldPlan) -> None:
    """Train each base without each fold, with the settings of its own training; keep finished ones.

    Weights go to ``fold_folder(folder, base, fold)``.

    Raises:
        InputError: a base knows other classes.
    """
    for base in bases:
        everything = training_samples(hub, base.views)
        if classes_of(everything, hub.name) != plan.classes:
            raise InputError(f"{base.spec.name} was trained on other classes than {plan.classes}")
        for fold in range(plan.folds):
            others = Samples.of(
                row for row in everything.rows() if plan.fold_of.get(row[2]) != fold
            )
            place = fold_folder(plan.folder, base.spec.name, fold)
            options = asdict(base.settings) | {"data": digest(others, plan.validation)}
            if plan.resume is not False and finished_with(place, options):
                continue
            sweep(place)
            say(f"{base.spec.name}, fold {fold + 1} of {plan.folds}: {len(others.paths):,} images")
            resume = None if plan.resume else plan.resume
            work = TrainingWork(others, plan.validation, plan.classes, place, resume)
            result = fit(base.spec, work, base.settings)
            write_finished(place, options, result, set(others.contents))
