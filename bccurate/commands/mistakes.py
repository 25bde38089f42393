"""``bccurate mistakes``: what a person should look at first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bccurate.curation.label_errors import METHODS, likely_labels
from bccurate.hub import runs, views
from bccurate.hub.open import opened
from bccurate.hub.predictions import Predictions, field_of, read_predictions
from bccurate.hub.read import label_field
from bccurate.hub.views import SPLITS
from bccurate.hub.write import set_column
from bccurate.hub.write_lock import write_lock
from bccurate.records import MistakesRecord
from bccurate.settings.in_use import dataset_in_use
from bccurate.settings.models import MistakesOptions
from bccurate.workflows.artifacts import (
    model_folder,
    read_finished,
    require_current_predictions,
    weights_file,
)
from bccurate.workflows.out_of_fold import out_of_fold, weights_of_folds

FIELD = "mistakenness"


def mistakes(
    model: str,
    dataset: str | None = None,
    zoo: str | Path | None = None,
    folds: int | None = None,
    method: str = MistakesOptions.method,
) -> MistakesRecord:
    """Score every label by a model's probabilities and save the view of what it gets wrong.

    Samples are listed where another class is likelier than the label given, most likely wrong
    first. A model may have learned a wrong label of a training image by heart; with ``folds`` each
    is judged by a model that was trained without it, on the settings of ``model``. Once those
    models are there, later calls take them.

    Args:
        model: a model with predictions on this dataset.
        dataset: name; the one in use where None.
        zoo: a folder with a ``manifest.json``, beside the installed zoos; ``$BCCURATE_ZOO`` where
            None.
        folds: how many models to train, at least 2; None takes those that are there, else the
            model's own predictions.
        method: one of ``settings.vocabulary.MISTAKE_METHODS``.

    Raises:
        UsageError: an unknown model, method or dataset, or no predictions.
    """
    from bccurate.learning.checkpoint import load_model

    name = dataset_in_use(dataset)
    MistakesOptions(method=method, folds=folds).check()
    run = f"mistakes_{field_of(model)}"
    with write_lock(f"{name} {model}"), opened(name) as hub:
        classes = load_model(weights_file(name, model, zoo), zoo).classes
        weights = weights_of_folds(hub, model, folds, zoo)
    with opened(name, write=True) as hub:  # again: others may have written while it trained
        unseen = out_of_fold(hub, model, weights, run, zoo)
        if unseen is None:
            require_current_predictions(hub, name, model)
        field = unseen.field if unseen else field_of(model)
        judged = _judge(read_predictions(views.originals(hub), field), classes, method)
        ids = [judged.found.ids[row] for row in judged.rows]
        changed = set_column(hub, FIELD, ids, judged.scores.tolist()) > 0
        changed |= views.save(hub, run, views.mistakes(hub, field, label_field(hub)))
        record = MistakesRecord(
            *(name, model, FIELD, run, len(judged.rows), judged.samples()),
            method=method,
            folds=unseen.folds if unseen else None,
            seen=0 if unseen else _seen(name, model, judged),
            likely_wrong=int(judged.wrong.sum()),
        )
        options = {"method": method, "weights": unseen.weights if unseen else None}
        changed |= runs.save(hub, run, record, options)
        return replace(record, changed=changed)


@dataclass(frozen=True)
class _Judged:
    """``rows`` of ``found`` are of known classes; ``scores`` and ``wrong`` are theirs."""

    found: Predictions
    rows: list[int]
    scores: np.ndarray
    wrong: np.ndarray

    def samples(self) -> list[dict[str, Any]]:
        """What the model gets wrong, worst first."""
        found = self.found
        order = np.argsort(-self.scores, kind="stable").tolist()
        return [
            {
                "filepath": found.paths[row],
                "label": found.labels[row],
                "prediction": found.predictions[row],
                "confidence": round(found.confidences[row], 6),
                "mistakenness": round(float(self.scores[k]), 6),
                "likely_wrong": bool(self.wrong[k]),
                "split": next((s for s in SPLITS if s in found.tags[row]), None),
            }
            for k, row in ((k, self.rows[k]) for k in order)
            if found.labels[row] != found.predictions[row]
        ]


def _judge(found: Predictions, classes: Sequence[str], method: str) -> _Judged:
    from bccurate.learning.predict import softmax

    index = {label: i for i, label in enumerate(classes)}
    rows = [i for i, label in enumerate(found.labels) if label in index]
    targets = np.array([index[found.labels[i]] for i in rows], dtype=np.int64)
    probabilities = softmax(found.logits[rows]).astype(float)
    scores = METHODS[method](probabilities, targets)
    return _Judged(found, rows, scores, likely_labels(probabilities, targets) != targets)


def _seen(name: str, model: str, judged: _Judged) -> int:
    """How many of the samples the model was trained on."""
    finished = read_finished(model_folder(name, model)) or {"seen": []}
    seen = set(finished["seen"])
    return sum(judged.found.contents[row] in seen for row in judged.rows)
