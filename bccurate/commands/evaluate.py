"""``bccurate evaluate``: how good a model is, split by split, with intervals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from bccurate.commands.trained import (
    model_folder,
    read_finished,
    require_current_predictions,
    seen_warnings,
    split_metrics,
    weights_file,
)
from bccurate.errors import InputError
from bccurate.hub import runs, views
from bccurate.hub.open import opened
from bccurate.hub.predictions import evaluate_in_app, field_of
from bccurate.hub.read import LABEL_FIELD
from bccurate.hub.views import SPLITS
from bccurate.records import EvaluateRecord
from bccurate.settings import dataset_in_use


def evaluate(
    model: str, dataset: str | None = None, zoo: str | Path | None = None
) -> EvaluateRecord:
    """Measure the stored predictions of a model on the clean samples of each split.

    The train column tells how much was learned by heart; only test tells what to expect.

    Args:
        model: a model with predictions on this dataset.
        dataset: name; the one in use where None.
        zoo: a folder with a ``manifest.json``, beside the installed zoos; ``$BCCURATE_ZOO`` where
            None.

    Raises:
        UsageError: an unknown model or dataset, or no predictions.
        InputError: no sample has a split.
    """
    from bccurate.learning.checkpoint import load_model

    name = dataset_in_use(dataset)
    run = f"evaluate_{field_of(model)}"
    with opened(name) as hub:
        classes = load_model(weights_file(name, model, zoo), zoo).classes
        require_current_predictions(hub, name, model)
        view = views.clean(hub).match_tags(list(SPLITS)).exists(f"{LABEL_FIELD}.label")
        finished = read_finished(model_folder(name, model)) or {"seen": []}
        metrics, left_out = split_metrics(view, model, classes, set(finished["seen"]))
        if not metrics:
            raise InputError(f"No sample of {name!r} has a split.", f"bccurate split -d {name}")
        warnings = [*seen_warnings(left_out), *_not_clean(hub)]
        record = EvaluateRecord(name, model, classes, metrics, warnings=warnings)
        if not runs.save(hub, run, record, {}):
            return replace(record, changed=False)
        evaluate_in_app(view.exists(field_of(model)), model)
        return record


def _not_clean(hub: Any) -> list[str]:
    """How much of each split the tables leave out: without its hard cases a score flatters."""
    lines = []
    for split in SPLITS:
        everything = len(views.originals(hub).match_tags(split))
        dropped = everything - len(views.clean(hub).match_tags(split))
        if dropped:
            lines.append(
                f"{dropped} of {everything} samples of {split} are duplicates, label conflicts or "
                "outliers and are left out"
            )
    return lines
