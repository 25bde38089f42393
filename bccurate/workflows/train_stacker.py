"""``bccurate train stacker``: a network over other models' out-of-fold predictions.

The training samples are cut into folds that part no duplicates. Every base model is trained anew
without each fold in turn, so that what the stacker learns from was said of images that the model
had not seen, as it will be of new ones. A stacker that is shown what its bases say of their own
training images learns which base overfits most (Wolpert 1992, "Stacked generalization").
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bccurate.errors import UsageError
from bccurate.files import sweep
from bccurate.hub import runs
from bccurate.hub.open import opened
from bccurate.hub.write_lock import write_lock
from bccurate.progress import say
from bccurate.records import TrainRecord
from bccurate.workflows.artifacts import finished_with, model_folder, write_finished
from bccurate.workflows.cross_validation import Base, FoldPlan, assign, base_of, train_folds
from bccurate.workflows.stacking_features import Folds, stacked_logits, tempered, write_folds
from bccurate.workflows.training_data import (
    classes_of,
    digest,
    training_samples,
    validation_samples,
)
from bccurate.workflows.training_run import Trained, TrainingWork, conclude, make_settings

if TYPE_CHECKING:
    from bccurate.learning.registry import ModelSpec
    from bccurate.learning.settings import TrainResult, TrainSettings

BEST = 3
# Three small layers on a few numbers an image: seconds.
DEFAULTS = {"epochs": 60, "patience": 15, "batch_size": 64, "augment": "none", "image_size": 0}


@dataclass(frozen=True)
class StackerRequest:
    """What to stack.

    Attributes:
        dataset: its name.
        bases: names of trained models; the three best by validation macro F1 where empty.
        folds: number of parts of the training samples, at least 2.
        resume: as for ``bccurate.train``.
        zoo: a folder with a ``manifest.json``, or None.
    """

    dataset: str
    bases: list[str]
    folds: int
    resume: bool | None
    zoo: str | Path | None


def train_stacker(spec: ModelSpec, request: StackerRequest, given: dict[str, Any]) -> TrainRecord:
    """Train the bases fold by fold, then ``spec`` on their logits; predict on all samples.

    Finished folds are kept: a stopped call continues with the fold that it was in.
    ``given`` are the stacker's own settings, as for ``bccurate.train``.

    Raises:
        UsageError: a base was not trained here, or there are too few.
        InputError: the bases know other classes, or there are no training samples.
    """
    from bccurate.learning.distributed import launched

    if launched():
        raise UsageError("A stacker is trained in one process; torchrun can train its bases.")
    name, folds, zoo = request.dataset, request.folds, request.zoo
    if folds < 2:
        raise UsageError(f"--folds is at least 2, not {folds}")
    stated = {key: value for key, value in given.items() if value is not None}
    settings = make_settings(DEFAULTS | stated | {"image_size": 0})
    folder = model_folder(name, spec.name)
    with write_lock(f"{name} {spec.name}"), opened(name) as hub:
        bases = _bases(hub, request)
        training, validation = training_samples(hub, ()), validation_samples(hub)
        classes = classes_of(training, name)
        validation = validation.known(classes)
        joined = [base.spec.name for base in bases]
        options: dict[str, Any] = asdict(settings) | {
            "bases": joined,
            "folds": folds,
            "weights_of_bases": [base.sha256 for base in bases],
            "data": digest(training, validation),
        }
        finished = finished_with(folder, options)
        trained_now = finished is None
        sweep(folder)
        if finished is None:
            fold_of = assign(hub, training, folds, settings.seed)
            plan = FoldPlan(folds, fold_of, validation, classes, folder, request.resume)
            train_folds(hub, bases, plan)
            write_folds(folder, Folds(joined, folds, fold_of))
            work = TrainingWork(training, validation, classes, folder, False)
            result = _fit(spec, joined, work, settings, zoo)
            finished = write_finished(folder, options, result, set(training.contents))
        trained = Trained(spec.name, classes, finished, options, trained_now, zoo)
        return conclude(hub, trained)


def _bases(hub: Any, request: StackerRequest) -> list[Base]:
    """Return the named models, or the best ones, with the settings that they were trained with."""
    names = request.bases or _best(hub, request.dataset)
    bases = [base_of(request.dataset, model, request.zoo) for model in names]
    if len({base.spec.name for base in bases}) < max(2, len(bases)):
        raise UsageError(
            f"A stacker joins at least two different models, not {', '.join(names)}",
            "--base resnet50,custom_cnn",
        )
    return bases


def _best(hub: Any, name: str) -> list[str]:
    """The three models of the best validation macro F1."""
    scores = {}
    for row in runs.overview(hub):
        record = runs.load(hub, row["run"]) if row["command"] == "train" else None
        if record and "val" in record["metrics"] and "bases" not in record["settings"]:
            scores[record["model"]] = record["metrics"]["val"]["macro_f1"]
    best = sorted(scores, key=lambda model: (-scores[model], model))[:BEST]
    if len(best) < BEST:
        raise UsageError(
            f"A stacker takes the {BEST} best models by validation macro F1; trained on {name!r} "
            f"with a validation split: {', '.join(best) or 'none'}.",
            f"bccurate train resnet50 -d {name}, or --base with two models",
        )
    said = ", ".join(f"{model} ({scores[model]:.4f})" for model in best)
    say(f"stacking the {BEST} best by validation macro F1: {said}")
    return best


def _fit(
    spec: ModelSpec,
    names: list[str],
    work: TrainingWork,
    settings: TrainSettings,
    zoo: str | Path | None,
) -> TrainResult:
    """Train the stacker on the bases' out-of-fold logits, each base at its own temperature."""
    from bccurate.evaluation.calibration import fit_temperature
    from bccurate.learning.settings import TrainingData, TrainingOutput
    from bccurate.learning.train import train as fit_arrays

    training, validation, classes = work.training, work.validation, work.classes
    folder = work.folder
    paths, contents = training.paths + validation.paths, training.contents + validation.contents
    said = stacked_logits(folder, paths, contents, zoo, settings.device)  # loads each network once
    learnt, held_out = said[: len(training.paths)], said[len(training.paths) :]
    targets = training.targets(classes)
    bases = [
        (base, round(fit_temperature(learnt[:, column], targets), 6))
        for column, base in enumerate(names)
    ]
    data = TrainingData(
        tempered(learnt, bases),
        targets,
        tempered(held_out, bases),
        validation.targets(classes),
        classes,
        training.paths,
    )
    return fit_arrays(spec, data, settings, TrainingOutput(folder, header={"bases": bases}))
