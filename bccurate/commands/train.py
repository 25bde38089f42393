"""``bccurate train``: train a zoo model on the clean training samples, then predict on all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bccurate.app.link import share_zoo
from bccurate.commands.model_card import with_card
from bccurate.commands.predict import predict
from bccurate.commands.trained import (
    WEIGHTS,
    model_folder,
    read_finished,
    seen_warnings,
    split_metrics,
    write_finished,
)
from bccurate.errors import InputError, UsageError
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
    """Samples of one split, sorted by path so that no outcome hangs on the order.

    ``contents``: a checksum of the pixels, of the source's for a variant; the path where none is.
    """

    paths: list[str]
    labels: list[str]
    contents: list[str]

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str, str]]) -> _Samples:
        ordered = sorted(set(rows))
        return cls(*([row[k] for row in ordered] for k in range(3)))

    def known(self, classes: list[str]) -> _Samples:
        """Without the samples of classes that training does not know."""
        rows = zip(self.paths, self.labels, self.contents, strict=True)
        return _Samples.of(row for row in rows if row[1] in classes)


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
    resume: bool | None = None,
    zoo: str | Path | None = None,
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
        resume: None goes on from the last checkpoint where it is of the same run; True insists
            on one; False begins anew.
        zoo: a folder with a ``manifest.json``, beside the installed zoos; ``$BCCURATE_ZOO`` where
            None.

    Raises:
        UsageError: an unknown model, view or option value, or a model that reads no images.
        InputError: no training samples, fewer than two classes, or broken weights.
        DivergedError: the loss left the finite numbers.
    """
    from bccurate.learning.settings import TrainSettings
    from bccurate.learning.zoo import find_model

    spec = find_model(model, zoo)
    _check_reads_images(spec)
    settings = TrainSettings(
        epochs, batch_size, lr, image_size or spec.input_size, augment, weights, device, seed
    )
    settings.check()
    name = dataset_in_use(dataset)
    run = f"train_{field_of(model)}"
    with opened(name) as hub:
        training, validation = _training_samples(hub, views), _validation_samples(hub)
        classes = _classes(training, name)
        validation = validation.known(classes)
        options = asdict(settings) | {"views": list(views), "data": _digest(training, validation)}
        folder = model_folder(name, model)
        finished = read_finished(folder)
        trained_now = finished is None or finished["options"] != options
        if finished is None or trained_now:
            say(
                f"training {model} on {len(training.paths):,} images of {len(classes)} classes, "
                f"validating on {len(validation.paths):,}"
            )
            result = _fit(spec, training, validation, classes, settings, folder, resume)
            finished = write_finished(folder, options, result, set(training.contents))
        predicted = predict(model, name, device=device, zoo=zoo)
        metrics, left_out = split_metrics(clean(hub), model, classes, set(finished["seen"]))
        record = TrainRecord(
            dataset=name,
            model=model,
            settings=asdict(settings) | {"views": list(views)},
            device=finished["device"],
            weights=str(folder / WEIGHTS),
            best_epoch=finished["best_epoch"],
            history=finished["history"],
            images_per_second=finished["images_per_second"],
            metrics=metrics,
            warnings=seen_warnings(left_out),
        )
        share_zoo()
        changed = runs.save(hub, run, record, options)
        record = replace(record, changed=changed or trained_now or predicted.changed)
        return with_card(hub, record, zoo)


def _check_reads_images(spec: Any) -> None:
    if spec.inputs != "images":
        raise UsageError(
            f"{spec.name} learns from the predictions of other models, not from images.",
            "bccurate models",
        )


def _training_samples(hub: Any, names: Sequence[str]) -> _Samples:
    parts = [chosen(hub, name) for name in names] or [clean(hub)]
    originals = {
        sample: row for sample, *row in _rows(clean(hub).match_tags("train"), "id", *_COLUMNS)
    }
    found = _Samples.of(
        row for part in parts for row in _training_rows(part.match_tags("train"), originals)
    )
    if not found.paths:
        raise InputError(
            f"No labelled sample of {hub.name!r} has the tag 'train' in "
            f"{', '.join(names) or 'the clean samples'}.",
            f"bccurate split -d {hub.name}",
        )
    return found


_COLUMNS = ("filepath", f"{LABEL_FIELD}.label", "pixelhash")


def _rows(view: Any, *fields: str) -> Iterator[tuple[Any, ...]]:
    return zip(*columns(view.exists(f"{LABEL_FIELD}.label"), *fields), strict=True)


def _training_rows(part: Any, originals: dict[str, list[str]]) -> Iterator[tuple[str, str, str]]:
    """Path, label and content; a variant only while its source is for training, as its source."""
    for path, label, content, source in _rows(part, *_COLUMNS, "source_id"):
        if source is None:
            yield path, label, content or path
        elif source in originals:
            source_path, source_label, source_content = originals[source]
            yield path, source_label, source_content or source_path


def _validation_samples(hub: Any) -> _Samples:
    rows = _rows(clean(hub).match_tags("val"), *_COLUMNS)
    return _Samples.of((path, label, content or path) for path, label, content in rows)


def _classes(training: _Samples, name: str) -> list[str]:
    classes = sorted(set(training.labels))
    if len(classes) < 2:
        raise InputError(
            f"Training needs two classes; the training samples of {name!r} have {len(classes)}.",
            f"bccurate info -d {name}",
        )
    return classes


def _fit(
    spec: Any,
    training: _Samples,
    validation: _Samples,
    classes: list[str],
    settings: Any,
    folder: Any,
    resume: bool | None,
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
