"""What a model says of images that it has not seen, in the field ``out_of_fold_<model>``.

Of a training image, and of its duplicates, the model that was trained without its fold speaks; of
any other the mean over the folds' models.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bccurate.errors import InputError, UsageError
from bccurate.hub import runs
from bccurate.hub.predictions import field_of, write_predictions
from bccurate.hub.read import columns
from bccurate.hub.views import originals
from bccurate.workflows.artifacts import WEIGHTS, model_folder, read_finished
from bccurate.workflows.cross_validation import Base, FoldPlan, assign, base_of, train_folds
from bccurate.workflows.stacking_features import (
    Folds,
    contents_of,
    fold_folder,
    read_folds,
    stacked_logits,
    write_folds,
)
from bccurate.workflows.training_data import classes_of, training_samples, validation_samples


@dataclass(frozen=True)
class OutOfFold:
    """Predictions in ``field`` by the models of so many ``folds``, with their ``weights``' sums."""

    field: str
    folds: int
    weights: list[str]


def out_of_fold_field(model: str) -> str:
    """``out_of_fold_<model>``."""
    return f"out_of_fold_{field_of(model)}"


def folds_folder(dataset: str, model: str) -> Path:
    """Where the models of the folds lie."""
    return model_folder(dataset, model) / "out_of_fold"


def weights_of_folds(hub: Any, model: str, folds: int | None, zoo: str | Path | None) -> list[str]:
    """The sums of the weights of the folds' models, trained where they are not there.

    Args:
        hub: the dataset; nothing is written to it.
        model: one that was trained on it.
        folds: at least 2; None takes those that an earlier call trained.
        zoo: as for ``train``.

    Returns:
        None of them where ``folds`` is None and there are none of this model as it is now.

    Raises:
        UsageError: fewer than two folds, or a model that was not trained on images here.
    """
    if folds is None:
        return _earlier(hub.name, model, zoo)
    if folds < 2:
        raise UsageError(f"--folds is at least 2, not {folds}")
    return _train(hub, base_of(hub.name, model, zoo), model, folds)


def out_of_fold(
    hub: Any, model: str, weights: list[str], run: str, zoo: str | Path | None
) -> OutOfFold | None:
    """Predict with the folds' models of these ``weights``; None where there are none.

    Args:
        hub: the dataset.
        model: one that was trained on it.
        weights: as ``weights_of_folds`` gives them.
        run: whose options hold the ``weights`` that wrote the field.
        zoo: as for ``train``.
    """
    if not weights:
        return None
    if (runs.stored_options(hub, run) or {}).get("weights") != weights:
        # Predictions of other weights would pass for these.
        runs.forget(hub, run, out_of_fold_field(model))
    _predict(hub, model, zoo)
    return OutOfFold(out_of_fold_field(model), len(weights), weights)


def _earlier(name: str, model: str, zoo: str | Path | None) -> list[str]:
    """The sums of the folds' weights; none where they are not of the model's own settings."""
    folder = folds_folder(name, model)
    try:
        folds = read_folds(folder)
    except InputError:
        return []
    wanted = asdict(base_of(name, model, zoo).settings)
    weights = []
    for fold in range(folds.folds):
        finished = read_finished(fold_folder(folder, model, fold))
        if finished is None or finished["options"] | wanted != finished["options"]:
            return []
        weights.append(finished["weights"])
    return weights


def _train(hub: Any, base: Base, model: str, folds: int) -> list[str]:
    folder = folds_folder(hub.name, model)
    training = training_samples(hub, ())
    classes = classes_of(training, hub.name)
    validation = validation_samples(hub).known(classes)
    fold_of = assign(hub, training, folds, base.settings.seed)
    train_folds(hub, [base], FoldPlan(folds, fold_of, validation, classes, folder))
    write_folds(folder, Folds([model], folds, fold_of))
    found = [read_finished(fold_folder(folder, model, fold)) for fold in range(folds)]
    return [finished["weights"] for finished in found if finished]


def _predict(hub: Any, model: str, zoo: str | Path | None) -> None:
    """Predict on the originals that have nothing in the field."""
    from bccurate.learning.checkpoint import load_model
    from bccurate.learning.predict import softmax

    field, folder = out_of_fold_field(model), folds_folder(hub.name, model)
    view = originals(hub)
    ids, paths, done = columns(view, "id", "filepath", f"{field}.label")
    todo = [i for i, label in enumerate(done) if label is None]
    if not todo:
        return
    trained = load_model(fold_folder(folder, model, 0) / WEIGHTS, zoo)
    contents = contents_of(hub, view)
    rows = [paths[i] for i in todo], [contents[i] for i in todo]
    device = base_of(hub.name, model, zoo).settings.device
    logits = stacked_logits(folder, *rows, zoo, device)[:, 0]
    write_predictions(hub, field, [ids[i] for i in todo], softmax(logits), logits, trained.classes)
