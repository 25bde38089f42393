"""``bccurate evaluate``: how good a model is, split by split, with intervals."""

from __future__ import annotations

from dataclasses import replace

from bccurate.commands.trained import split_metrics, weights_file
from bccurate.errors import InputError
from bccurate.hub import runs, views
from bccurate.hub.open import opened
from bccurate.hub.predictions import evaluate_in_app, field_of
from bccurate.hub.read import LABEL_FIELD
from bccurate.hub.views import SPLITS
from bccurate.records import EvaluateRecord
from bccurate.settings import dataset_in_use


def evaluate(model: str, dataset: str | None = None) -> EvaluateRecord:
    """Measure the stored predictions of a model on the clean samples of each split.

    The train column tells how much was learned by heart; only test tells what to expect.

    Args:
        model: a model with predictions on this dataset.
        dataset: name; the one in use where None.

    Raises:
        UsageError: an unknown model or dataset, or no predictions.
        InputError: no sample has a split.
    """
    from bccurate.learning.checkpoint import load_model

    name = dataset_in_use(dataset)
    run = f"evaluate_{field_of(model)}"
    with opened(name) as hub:
        classes = load_model(weights_file(name, model)).classes
        view = views.clean(hub).match_tags(list(SPLITS)).exists(LABEL_FIELD)
        metrics = split_metrics(view, model, classes)
        if not metrics:
            raise InputError(f"No sample of {name!r} has a split.", f"bccurate split -d {name}")
        record = EvaluateRecord(name, model, classes, metrics)
        if not runs.save(hub, run, record, {}):
            return replace(record, changed=False)
        evaluate_in_app(view.exists(field_of(model)), model)
        return record
