"""What ``report`` shows of each model: its records, Grad-CAM sheet and validation figures."""

from __future__ import annotations

from typing import Any

from bccurate.hub import runs
from bccurate.hub.heatmaps import read_heatmaps
from bccurate.hub.predictions import Predictions, field_of, read_predictions
from bccurate.hub.read import has_field, label_path
from bccurate.hub.views import originals
from bccurate.reporting.report_data import Json, ModelPart, SheetRow
from bccurate.reporting.thumbnails import heat_picture, overlay, thumbnail
from bccurate.workflows.thumbnails import pixels

SHEET_ROWS = 24  # a hit and a mistake of twelve classes
PARTS = ("train", "evaluate", "corruptions", "mistakes", "explain")


def model_part(hub: Any, model: str, records: dict[str, Any], leaking: set[str]) -> ModelPart:
    """The part of ``model``; ``leaking`` are the ids of samples in groups that cross splits."""
    field = field_of(model)
    found = {part: records.get(f"{part}_{field}") for part in PARTS}
    weights = [
        (runs.stored_options(hub, f"{run}_{field}") or {}).get("weights")
        for run in ("evaluate", "corruptions")
    ]
    if weights[0] != weights[1]:  # of older weights: not to stand beside the others
        found["corruptions"] = None
    return ModelPart(
        model,
        **found,
        sheet=_sheet(hub, model) if found["explain"] else [],
        validation=_validation(hub, model, leaking) if leaking else None,
    )


def _sheet(hub: Any, model: str) -> list[SheetRow]:
    """Explained samples, of test where there are any: of each class its surest hit and mistake."""
    field = f"gradcam_{field_of(model)}"
    if not has_field(hub, field) or not has_field(hub, field_of(model)):
        return []
    explained = originals(hub).exists(field).exists(label_path(hub))
    tested = explained.match_tags("test")
    view = tested if len(tested) else explained
    if not len(view):
        return []
    found = read_predictions(view, model)
    order = sorted(range(len(found.ids)), key=lambda i: -found.confidences[i])
    chosen: dict[tuple[str, bool], int] = {}
    for i in order:
        chosen.setdefault((found.labels[i], found.labels[i] != found.predictions[i]), i)
    picked = [chosen[key] for key in sorted(chosen)][:SHEET_ROWS]
    maps = read_heatmaps(hub.select([found.ids[i] for i in picked]), field)
    rows = (_sheet_row(found, i, maps[found.ids[i]]) for i in picked)
    return [row for row in rows if row is not None]


def _sheet_row(found: Predictions, i: int, heat: Any) -> SheetRow | None:
    rgb = pixels(found.paths[i])
    if rgb is None:
        return None
    return SheetRow(
        found.paths[i],
        found.labels[i],
        found.predictions[i],
        found.confidences[i],
        thumbnail(rgb),
        heat_picture(rgb, heat),
        overlay(rgb, heat),
    )


def _validation(hub: Any, model: str, leaking: set[str]) -> dict[str, Json] | None:
    """Figures of all val samples, copies included, and of those that cross no split."""
    view = originals(hub).match_tags("val").exists(label_path(hub))
    if not has_field(hub, field_of(model)) or not len(view.exists(field_of(model))):
        return None
    found = read_predictions(view, model)
    hits = [a == b for a, b in zip(found.labels, found.predictions, strict=True)]
    safe = [hit for sample, hit in zip(found.ids, hits, strict=True) if sample not in leaking]
    return {"all": _figures(hits), "safe": _figures(safe)} if safe else None


def _figures(hits: list[bool]) -> Json:
    from bccurate.evaluation.intervals import wilson

    n = len(hits)
    return {"accuracy": sum(hits) / n, "interval": wilson(sum(hits), n), "n": n}
