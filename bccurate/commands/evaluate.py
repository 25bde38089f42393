"""``bccurate evaluate``: how good a model is, split by split, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bccurate.errors import InputError
from bccurate.files import sha256_of_file
from bccurate.hub import runs, views
from bccurate.hub.open import opened
from bccurate.hub.predictions import evaluate_in_app, field_of
from bccurate.hub.read import labelled
from bccurate.hub.views import SPLITS
from bccurate.records import EvaluateRecord
from bccurate.settings import dataset_in_use
from bccurate.workflows.artifacts import (
    Part,
    model_folder,
    part_metrics,
    read_finished,
    require_current_predictions,
    seen_warnings,
    split_parts,
    weights_file,
)
from bccurate.workflows.corruptions import measure_corruptions
from bccurate.workflows.model_card import with_card
from bccurate.workflows.stale_runs import labels_digest


def evaluate(
    model: str,
    dataset: str | None = None,
    zoo: str | Path | None = None,
    corruptions: bool = False,
    severities: Sequence[int] = (1, 2, 3, 4, 5),
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


def measure(
    hub: Any, name: str, model: str, zoo: str | Path | None = None, part: str | None = None
) -> tuple[EvaluateRecord, dict[str, Part]]:
    """What ``evaluate`` writes and returns, and the samples that stand behind it.

    Of the saved view ``part`` alone nothing is written.
    """
    from bccurate.learning.checkpoint import load_model

    file = weights_file(name, model, zoo)
    classes = load_model(file, zoo).classes
    require_current_predictions(hub, name, model)
    clean = views.clean(views.chosen(hub, part) if part else hub)
    view = labelled(clean.match_tags(list(SPLITS)))
    finished = read_finished(model_folder(name, model)) or {"seen": []}
    parts, left_out = split_parts(view, model, classes, set(finished["seen"]))
    if not parts:
        raise InputError(
            f"No clean sample of {part or name!r} has a split.", f"bccurate split -d {name}"
        )
    metrics, temperature, remarks = _calibrated(parts, part_metrics(parts, classes))
    told = [f"of the view {part!r} alone, and not stored"] if part else _not_clean(hub)
    warnings = [*seen_warnings(left_out), *told, *remarks]
    record = EvaluateRecord(name, model, classes, metrics, temperature, warnings=warnings)
    if part:
        return record, parts
    options = {"weights": sha256_of_file(file), "labels": labels_digest(hub)}
    changed = runs.save(hub, f"evaluate_{field_of(model)}", record, options)
    if changed:
        evaluate_in_app(view.exists(field_of(model)), model)
    return with_card(hub, replace(record, changed=changed), zoo), parts


def _calibrated(
    parts: dict[str, Part], metrics: dict[str, dict[str, Any]]
) -> tuple[dict[str, dict[str, Any]], float | None, list[str]]:
    """Metrics with what the temperature of val mends, that temperature, and remarks.

    ``reliability_calibrated`` are the bins after it and ``ece_calibrated`` their error.
    """
    from bccurate.evaluation.calibration import HIGHEST, LOWEST, bins_at, fit_temperature
    from bccurate.evaluation.metrics import calibration_error

    if "val" not in parts:
        return metrics, None, ["There are no validation samples to fit a temperature on"]
    temperature = fit_temperature(parts["val"].logits, parts["val"].targets)
    calibrated = {}
    for split, row in metrics.items():
        bins = bins_at(parts[split].logits, parts[split].targets, temperature)
        calibrated[split] = {
            **row,
            "ece_calibrated": calibration_error(bins),
            "reliability_calibrated": bins,
        }
    remarks = []
    if temperature in (LOWEST, HIGHEST):
        remarks.append(
            f"The temperature ended at its bound {temperature:g}: the {metrics['val']['n']} "
            "validation samples do not tell it"
        )
    return calibrated, temperature, remarks


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
