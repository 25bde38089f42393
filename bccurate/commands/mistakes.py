"""``bccurate mistakes``: what a person should look at first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from bccurate.commands.trained import require_current_predictions, weights_file
from bccurate.curation.label_errors import mistakenness
from bccurate.hub import runs, views
from bccurate.hub.open import opened
from bccurate.hub.predictions import field_of, read_predictions
from bccurate.hub.read import LABEL_FIELD
from bccurate.hub.views import SPLITS
from bccurate.hub.write import set_column
from bccurate.records import MistakesRecord
from bccurate.settings import dataset_in_use

FIELD = "mistakenness"


def mistakes(
    model: str, dataset: str | None = None, zoo: str | Path | None = None
) -> MistakesRecord:
    """Score every label by a model's probabilities and save the view of what it gets wrong.

    Samples are listed where another class is likelier than the label given, most sure first.
    On training samples a model may have learned a wrong label by heart.

    Args:
        model: a model with predictions on this dataset.
        dataset: name; the one in use where None.
        zoo: a folder with a ``manifest.json``, beside the installed zoos; ``$BCCURATE_ZOO`` where
            None.

    Raises:
        UsageError: an unknown model or dataset, or no predictions.
    """
    from bccurate.learning.checkpoint import load_model
    from bccurate.learning.predict import softmax

    name = dataset_in_use(dataset)
    field = field_of(model)
    with opened(name, write=True) as hub:
        classes = load_model(weights_file(name, model, zoo), zoo).classes
        require_current_predictions(hub, name, model)
        found = read_predictions(views.originals(hub), model)
        known = [i for i, label in enumerate(found.labels) if label in classes]
        targets = np.array([classes.index(found.labels[i]) for i in known], dtype=np.int64)
        scores = mistakenness(softmax(found.logits[known].astype(np.float32)), targets)
        ids = [found.ids[i] for i in known]
        view_name = f"mistakes_{field}"
        changed = set_column(hub, FIELD, ids, np.round(scores.astype(float), 6).tolist()) > 0
        changed |= views.save(hub, view_name, views.mistakes(hub, field, LABEL_FIELD))
        order = [r for r in np.argsort(-scores, kind="stable").tolist() if scores[r] > 0.5]
        samples = [
            {
                "filepath": found.paths[known[row]],
                "label": found.labels[known[row]],
                "prediction": found.predictions[known[row]],
                "confidence": round(found.confidences[known[row]], 6),
                "mistakenness": round(float(scores[row]), 6),
                "split": next((s for s in SPLITS if s in found.tags[known[row]]), None),
            }
            for row in order
        ]
        record = MistakesRecord(name, model, FIELD, view_name, len(known), samples)
        changed |= runs.save(hub, view_name, record, {})
        return replace(record, changed=changed)
