"""``bccurate evaluate``: how good a model is, split by split, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bccurate.hub.open import opened
from bccurate.records import EvaluateRecord
from bccurate.settings.in_use import dataset_in_use
from bccurate.settings.models import EvaluateOptions
from bccurate.workflows.corruptions import measure_corruptions
from bccurate.workflows.measure_model import measure


def evaluate(
    model: str,
    dataset: str | None = None,
    zoo: str | Path | None = None,
    corruptions: bool = EvaluateOptions.corruptions,
    severities: Sequence[int] = EvaluateOptions.severities,
    limit: int | None = None,
    view: str | None = None,
) -> EvaluateRecord:
    """Measure the stored predictions of a model on the clean samples of each split.

    The train column tells how much was learned by heart; only test tells what to expect. The
    temperature is fitted on val alone. The model card is written anew.

    Args:
        model: a model with predictions on this dataset.
        dataset: name; the one in use where None.
        zoo: a folder with a ``manifest.json``, beside the installed zoos; ``$BCCURATE_ZOO`` where
            None.
        corruptions: measure it on corrupted copies of the test samples, too; 135 passes over them.
        severities: of the corruptions, 1 to 5.
        limit: the most test samples of a class that are corrupted; all where None.
        view: a saved view; the figures are of its clean samples and are not stored.

    Raises:
        UsageError: an unknown model, dataset, view or severity, or no predictions.
        InputError: no sample has a split.
    """
    name = dataset_in_use(dataset)
    with opened(name, write=True) as hub:
        record, parts = measure(hub, name, model, zoo, view)
        if not corruptions:
            return record
        found, changed = measure_corruptions(hub, model, parts, severities, limit, zoo)
        return replace(record, corruptions=found.figures, changed=record.changed or changed)
