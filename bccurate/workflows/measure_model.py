"""Measure a model on the clean samples of each split, with a temperature fitted on val."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from bccurate.errors import InputError
from bccurate.files import sha256_of_file
from bccurate.hub import runs, views
from bccurate.hub.predictions import evaluate_in_app, field_of
from bccurate.hub.read import labelled
from bccurate.hub.views import SPLITS
from bccurate.records import EvaluateRecord
from bccurate.workflows.artifacts import (
    model_folder,
    read_finished,
    require_current_predictions,
    weights_file,
)
from bccurate.workflows.model_card import with_card
from bccurate.workflows.split_metrics import Part, part_metrics, seen_warnings, split_parts
from bccurate.workflows.stale_runs import labels_digest


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
    from bccurate.evaluation.calibration import (
        HIGHEST,
        LOWEST,
        bins_at,
        calibration_error,
        fit_temperature,
    )

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
