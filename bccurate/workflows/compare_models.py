"""``bccurate evaluate`` of several models: side by side, with McNemar against the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bccurate.errors import UsageError
from bccurate.hub import runs
from bccurate.hub.open import opened
from bccurate.records import CompareRecord, EvaluateRecord
from bccurate.settings.in_use import dataset_in_use
from bccurate.workflows.artifacts import require_current_predictions
from bccurate.workflows.measure_model import measure
from bccurate.workflows.split_metrics import Part

RUN = "evaluate"


def compare(
    models: Sequence[str] = (), dataset: str | None = None, zoo: str | Path | None = None
) -> CompareRecord:
    """Measure several models as ``evaluate`` does, and tell which differ by more than chance.

    Every model stands McNemar's exact test on val and test against the best single model: the one
    with the highest macro F1 on val that reads images, not other models' predictions.

    Args:
        models: names; all with predictions on this dataset where there are none.
        dataset: name; the one in use where None.
        zoo: a folder with a ``manifest.json``, beside the installed zoos; ``$BCCURATE_ZOO`` where
            None.

    Raises:
        UsageError: an unknown model or dataset, or no predictions.
        InputError: no sample has a split.
    """
    name = dataset_in_use(dataset)
    with opened(name, write=True) as hub:
        chosen = list(dict.fromkeys(models))
        warnings: list[str] = []
        if not chosen:
            chosen, warnings = _predicted(hub, name, zoo)
        measured = {model: measure(hub, name, model, zoo) for model in chosen}
        found = {model: record for model, (record, _) in measured.items()}
        best = _best_single(found, zoo)
        parts = {model: part for model, (_, part) in measured.items()}
        for row in found.values():
            warnings += [line for line in row.warnings if line not in warnings]
        record = CompareRecord(
            dataset=name,
            models={model: _row(row) for model, row in found.items()},
            best=best,
            mcnemar=_tests(parts, best) if best else [],
            warnings=warnings,
        )
        changed = runs.save(hub, RUN, record, {"models": sorted(chosen)})
        return replace(record, changed=changed or any(row.changed for row in found.values()))


def _predicted(hub: Any, name: str, zoo: str | Path | None) -> tuple[list[str], list[str]]:
    """The models with predictions of the weights on disk, and a line for each of the others."""
    stored = [
        runs.load(hub, row["run"]) for row in runs.overview(hub) if row["command"] == "predict"
    ]
    names = sorted(record["model"] for record in stored if record)
    reasons = {model: _why_not(hub, name, model, zoo) for model in names}
    models = [model for model, reason in reasons.items() if not reason]
    if not models:
        raise UsageError(
            f"No model has predictions on {name!r}.", f"bccurate train custom_cnn -d {name}"
        )
    return models, [f"{model} is left out: {why}" for model, why in reasons.items() if why]


def _why_not(hub: Any, name: str, model: str, zoo: str | Path | None) -> str | None:
    from bccurate.learning.registry import find_model

    try:
        find_model(model, zoo)
        require_current_predictions(hub, name, model)
    except UsageError as error:
        return error.message
    return None


def _row(record: EvaluateRecord) -> dict[str, Any]:
    return {
        "temperature": record.temperature,
        "metrics": record.metrics,
        "model_card": record.model_card,
    }


def _best_single(found: dict[str, EvaluateRecord], zoo: str | Path | None) -> str | None:
    """By val alone: a model that is chosen by its test score has no test score any more."""
    from bccurate.learning.registry import IMAGES, find_model

    scored = {m: r.metrics["val"]["macro_f1"] for m, r in found.items() if "val" in r.metrics}
    single = [model for model in scored if find_model(model, zoo).inputs == IMAGES]
    return max(single, key=lambda model: scored[model], default=None)


def _tests(parts: dict[str, dict[str, Part]], best: str) -> list[dict[str, Any]]:
    """A row for every other model and split, on the samples that both were measured on."""
    from bccurate.evaluation.mcnemar import mcnemar

    rows = []
    for model in parts:
        for split in ("val", "test"):
            if model == best or split not in parts[model] or split not in parts[best]:
                continue
            ours, theirs = _right(parts[model][split]), _right(parts[best][split])
            both = [sample for sample in ours if sample in theirs]
            found = mcnemar(
                np.array([ours[sample] for sample in both], dtype=bool),
                np.array([theirs[sample] for sample in both], dtype=bool),
            )
            rows.append(
                {
                    "model": model,
                    "against": best,
                    "split": split,
                    "n": found["n"],
                    "only_model": found["only_first"],
                    "only_against": found["only_second"],
                    "p_value": found["p_value"],
                }
            )
    return rows


def _right(part: Part) -> dict[str, bool]:
    hits = part.logits.argmax(axis=1) == part.targets
    return dict(zip(part.ids, hits.tolist(), strict=True))
