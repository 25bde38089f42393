"""``bccurate report``: one HTML page of all that was found, readable with no network."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from bccurate.commands.info import info
from bccurate.commands.pictures import corruption_rows, intensities, pixels, thumbnails
from bccurate.errors import InputError
from bccurate.files import atomic_write
from bccurate.hub import runs
from bccurate.hub.heatmaps import read_heatmaps
from bccurate.hub.open import opened
from bccurate.hub.predictions import field_of, read_predictions
from bccurate.hub.read import has_field
from bccurate.hub.views import clean, originals
from bccurate.records import ReportRecord
from bccurate.reporting.data import CorruptionRow, ModelPart, ReportData, SheetRow
from bccurate.reporting.fidelity import sheet_paths
from bccurate.reporting.intensity import worst_by_class
from bccurate.reporting.page import render
from bccurate.reporting.pictures import overlay, thumbnail
from bccurate.reporting.sections import gravest_first
from bccurate.settings import dataset_in_use

GROUPS, MEMBERS = 12, 6  # of duplicates, as many as the page shows
WORST = 24  # outliers, and mistakes of each model
SHEET_ROWS = 16
PARTS = ("train", "evaluate", "corruptions", "mistakes", "explain")


def report(dataset: str | None = None, out: str | Path = "bccurate-report.html") -> ReportRecord:
    """Write the page from the stored runs; what was not run yet is named with its command.

    Args:
        dataset: name; the one in use where None.
        out: the file; written whole or not at all.

    Raises:
        UsageError: an unknown dataset.
        InputError: ``out`` cannot be written.
        NoSpaceError: the disk is full.
    """
    name = dataset_in_use(dataset)
    path = Path(out).expanduser().absolute()
    if path.is_dir():
        raise InputError(f"{path} is a folder.", f"bccurate report --out {path / 'report.html'}")
    with opened(name) as hub:
        stored = {row["run"]: runs.load(hub, row["run"]) for row in runs.overview(hub)}
        records = {run: record for run, record in stored.items() if record}
        models = [record["model"] for run, record in records.items() if run.startswith("train_")]
        parts = [_model_part(hub, model, records) for model in models]
        data = ReportData(
            dataset=name,
            created=datetime.now().strftime("%Y-%m-%d %H:%M"),
            records={"info": info(name).to_json(), **_of_the_dataset(records)},
            models=parts,
            intensities=intensities(hub),
            thumbnails=thumbnails(_shown(records, parts)),
            corruptions=_corrupted_cell(hub) if any(part.corruptions for part in parts) else [],
        )
    page = render(data).encode("utf-8", "replace")
    with atomic_write(path) as file:
        file.write(page)
    return ReportRecord(name, str(path), len(page))


def _of_the_dataset(records: dict[str, Any]) -> dict[str, Any]:
    of_models = tuple(f"{part}_" for part in PARTS)
    return {run: r for run, r in records.items() if not run.startswith(of_models)}


def _model_part(hub: Any, model: str, records: dict[str, Any]) -> ModelPart:
    field = field_of(model)
    found = {part: records.get(f"{part}_{field}") for part in PARTS}
    weights = [
        (runs.stored_options(hub, f"{run}_{field}") or {}).get("weights")
        for run in ("evaluate", "corruptions")
    ]
    if weights[0] != weights[1]:  # of older weights: not to stand beside the others
        found["corruptions"] = None
    return ModelPart(model, **found, sheet=_sheet(hub, model) if found["explain"] else [])


def _corrupted_cell(hub: Any) -> list[CorruptionRow]:
    """The first clean test image that can still be read, under each corruption."""
    for path in sorted(clean(hub).match_tags("test").values("filepath")):
        rgb = pixels(path)
        if rgb is not None:
            return corruption_rows(rgb)
    return []


def _sheet(hub: Any, model: str) -> list[SheetRow]:
    """Explained samples, a class after another, the surest mistake of each and the surest hit."""
    field = f"gradcam_{field_of(model)}"
    if not has_field(hub, field) or not has_field(hub, field_of(model)):
        return []
    found = read_predictions(originals(hub).exists(field), model)
    order = sorted(range(len(found.ids)), key=lambda i: -found.confidences[i])
    chosen: dict[tuple[str, bool], int] = {}
    for i in order:
        chosen.setdefault((found.labels[i], found.labels[i] == found.predictions[i]), i)
    picked = [chosen[key] for key in sorted(chosen)][:SHEET_ROWS]
    maps = read_heatmaps(hub.select([found.ids[i] for i in picked]), field)
    rows = []
    for i in picked:
        rgb = pixels(found.paths[i])
        if rgb is not None:
            rows.append(
                SheetRow(
                    found.paths[i],
                    found.labels[i],
                    found.predictions[i],
                    found.confidences[i],
                    thumbnail(rgb),
                    overlay(rgb, maps[found.ids[i]]),
                )
            )
    return rows


def _shown(records: dict[str, Any], models: list[ModelPart]) -> list[str]:
    """The paths whose pictures the page shows."""
    groups = (records.get("dedupe") or {"groups": []})["groups"]
    far = records.get("outliers") or {"outliers": []}
    foreign = (far.get("embedding") or {"outliers": []})["outliers"]
    paths = [
        path for group in gravest_first(groups)[:GROUPS] for path in group["members"][:MEMBERS]
    ]
    rows = [*far["outliers"][:WORST], *foreign[:WORST]]
    rows += [row for worst in worst_by_class(far["outliers"]).values() for row in worst]
    paths += [row["filepath"] for row in rows]
    paths += sheet_paths(records)
    for model in models:
        paths += [row["filepath"] for row in (model.mistakes or {"samples": []})["samples"][:WORST]]
    return paths
