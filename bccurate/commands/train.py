"""``bccurate train``: train a zoo model on the clean training samples, then predict on all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from bccurate.commands.predict import predict
from bccurate.commands.trained import model_folder, split_metrics
from bccurate.errors import InputError
from bccurate.files import sha256
from bccurate.hub import runs
from bccurate.hub.open import opened
from bccurate.hub.predictions import field_of
from bccurate.hub.read import LABEL_FIELD, columns
from bccurate.hub.views import chosen, clean
from bccurate.progress import say
from bccurate.records import TrainRecord
from bccurate.settings import dataset_in_use


@dataclass(frozen=True)
class _Samples:
    """Paths and labels of one split, sorted by path so that no outcome hangs on the order."""

    paths: list[str]
    labels: list[str]

    @classmethod
    def of(cls, *parts: Any) -> _Samples:
        pairs = {p for part in parts for p in zip(*columns(part, *_COLUMNS), strict=True)}
        rows = sorted(pairs)
        return cls([path for path, _ in rows], [label for _, label in rows])


_COLUMNS = ("filepath", f"{LABEL_FIELD}.label")


def train(
    model: str,
    dataset: str | None = None,
    views: Sequence[str] = (),
    epochs: int = 20,
    batch_size: int = 32,
    lr: float = 1e-3,
    image_size: int | None = None,
    augment: str = "dihedral",
    weights: str = "none",
    device: str = "auto",
    seed: int = 51,
    resume: bool = False,
) -> TrainRecord:
    """Train a model and write its predictions on all samples to the field of its name.

    Training samples carry the tag ``train`` and stand in ``views``; the epoch that is kept is
    the best on the clean samples with the tag ``val``.

    Args:
        model: a name from ``models()`` or ``timm:<name>``.
        dataset: name; the one in use where None.
        views: saved views, joined; the clean samples where there are none.
        epochs, batch_size, lr, augment, weights, device, seed: see
            ``bccurate.learning.settings.TrainSettings``.
        image_size: pixels; the model's own where None.
        resume: go on from the last checkpoint of the same run.

    Raises:
        UsageError: an unknown model, view or option value.
        InputError: no training samples, fewer than two classes, or broken weights.
        DivergedError: the loss left the finite numbers.
    """
    from bccurate.learning.checkpoint import load_model
    from bccurate.learning.settings import TrainSettings
    from bccurate.learning.zoo import find_model

    spec = find_model(model)
    settings = TrainSettings(
        epochs, batch_size, lr, image_size or spec.input_size, augment, weights, device, seed
    )
    settings.check()
    name = dataset_in_use(dataset)
    run = f"train_{field_of(model)}"
    with opened(name) as hub:
        training, validation = _training_samples(hub, views), _validation_samples(hub)
        classes = _classes(training, name)
        validation = _known(validation, classes)
        options = asdict(settings) | {"views": list(views), "data": _digest(training, validation)}
        folder = model_folder(name, model)
        file = folder / "model.safetensors"
        stored = runs.load(hub, run) if runs.stored_options(hub, run) == options else None
        if stored and file.exists():
            predict(model, name, device=device)  # samples that came since
            return replace(TrainRecord.from_json(stored), changed=False)
        say(
            f"training {model} on {len(training.paths):,} images of {len(classes)} classes, "
            f"validating on {len(validation.paths):,}"
        )
        result = _fit(spec, training, validation, classes, settings, folder, resume)
        predict(model, name, device=device)
        record = TrainRecord(
            dataset=name,
            model=model,
            settings=asdict(settings) | {"views": list(views)},
            device=f"{result.device} ({result.precision})",
            weights=str(result.weights),
            best_epoch=result.best_epoch,
            history=result.history,
            images_per_second=round(result.images_per_second, 1),
            metrics=split_metrics(clean(hub), model, load_model(file).classes),
        )
        runs.save(hub, run, record, options)
        return record


def _training_samples(hub: Any, names: Sequence[str]) -> _Samples:
    parts = [chosen(hub, name) for name in names] or [clean(hub)]
    found = _Samples.of(*[part.match_tags("train").exists(LABEL_FIELD) for part in parts])
    if not found.paths:
        raise InputError(
            f"No labelled sample of {hub.name!r} has the tag 'train' in "
            f"{', '.join(names) or 'the clean samples'}.",
            f"bccurate split -d {hub.name}",
        )
    return found


def _validation_samples(hub: Any) -> _Samples:
    return _Samples.of(clean(hub).match_tags("val").exists(LABEL_FIELD))


def _classes(training: _Samples, name: str) -> list[str]:
    classes = sorted(set(training.labels))
    if len(classes) < 2:
        raise InputError(
            f"Training needs two classes; the training samples of {name!r} have {len(classes)}.",
            f"bccurate info -d {name}",
        )
    return classes


def _known(samples: _Samples, classes: list[str]) -> _Samples:
    """Without the samples of classes that training does not know."""
    rows = [r for r in zip(samples.paths, samples.labels, strict=True) if r[1] in classes]
    return _Samples([path for path, _ in rows], [label for _, label in rows])


def _fit(
    spec: Any,
    training: _Samples,
    validation: _Samples,
    classes: list[str],
    settings: Any,
    folder: Any,
    resume: bool,
) -> Any:
    from bccurate.learning.data import load_pixels
    from bccurate.learning.train import train as fit

    def targets(samples: _Samples) -> np.ndarray:
        return np.array([classes.index(label) for label in samples.labels], dtype=np.int64)

    return fit(
        spec,
        load_pixels(training.paths, settings.image_size),
        targets(training),
        load_pixels(validation.paths, settings.image_size),
        targets(validation),
        classes,
        settings,
        folder,
        names=training.paths,
        resume=resume,
    )


def _digest(*parts: _Samples) -> str:
    return sha256(json.dumps([[part.paths, part.labels] for part in parts]).encode())[:16]
