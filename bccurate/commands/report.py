"""``bccurate report``: one HTML page of all that was found, readable with no network."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from bccurate.commands.background import VIEW as BACKGROUND
from bccurate.commands.info import info
from bccurate.errors import InputError
from bccurate.files import atomic_write
from bccurate.hub import runs
from bccurate.hub.open import opened
from bccurate.hub.read import columns, has_field, label_path
from bccurate.hub.views import SPLITS, clean, originals
from bccurate.records import ReportRecord
from bccurate.reporting.fidelity import sheet_paths
from bccurate.reporting.intensity import worst_by_class
from bccurate.reporting.page import render
from bccurate.reporting.report_data import CorruptionRow, Json, ModelPart, ReportData
from bccurate.reporting.sections import gravest_first, shown_leaks
from bccurate.settings.data import ReportOptions
from bccurate.settings.in_use import dataset_in_use
from bccurate.workflows.report_models import PARTS, model_part
from bccurate.workflows.split_leaks import Leaks, current_leaks
from bccurate.workflows.thumbnails import corruption_rows, intensities, pixels, thumbnails

GROUPS, MEMBERS = 12, 6  # of duplicates, as many as the page shows
WORST = 24  # outliers, and mistakes of each model
REMOVED = 8  # classes with a picture without its background


def report(dataset: str | None = None, out: str | Path = ReportOptions.out) -> ReportRecord:
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
        crossing = _crossing(hub, records)
        ids = crossing.ids if crossing else set()
        parts = [model_part(hub, model, records, ids) for model in models]
        groups = _with_splits(hub, crossing.rows) if crossing else None
        removed = _removed(hub)
        data = ReportData(
            dataset=name,
            created=datetime.now().strftime("%Y-%m-%d %H:%M"),
            records={"info": info(name).to_json(), **_of_the_dataset(records)},
            models=parts,
            intensities=intensities(hub),
            thumbnails=thumbnails(_shown(records, parts, groups or [], removed)),
            corruptions=_corrupted_cell(hub) if any(part.corruptions for part in parts) else [],
            leaks=groups,
            removed=removed,
        )
    page = render(data).encode("utf-8", "replace")
    with atomic_write(path) as file:
        file.write(page)
    return ReportRecord(name, str(path), len(page))


def _of_the_dataset(records: dict[str, Any]) -> dict[str, Any]:
    of_models = tuple(f"{part}_" for part in PARTS)
    return {run: r for run, r in records.items() if not run.startswith(of_models)}


def _corrupted_cell(hub: Any) -> list[CorruptionRow]:
    """The first clean test image that can still be read, under each corruption."""
    for path in sorted(clean(hub).match_tags("test").values("filepath")):
        rgb = pixels(path)
        if rgb is not None:
            return corruption_rows(rgb)
    return []


def _crossing(hub: Any, records: dict[str, Any]) -> Leaks | None:
    """What crosses the splits as they are now; None for want of ``dedupe`` or a split."""
    if "dedupe" not in records:
        return None
    found = current_leaks(hub)
    return found if found.any_split else None


def _with_splits(hub: Any, rows: list[Json]) -> list[Json]:
    """``rows`` of ``leaks`` whose members have their split and label beside the path."""
    known = {
        path: {"filepath": path, "split": next((s for s in SPLITS if s in tags), None), "label": of}
        for path, tags, of in zip(
            *columns(originals(hub), "filepath", "tags", label_path(hub)), strict=True
        )
    }
    return [{**row, "members": [known[path] for path in row["members"]]} for row in rows]


def _removed(hub: Any) -> list[tuple[str, str, str]]:
    """Label, picture and the same without its background, one a class."""
    variants = hub.match_tags(BACKGROUND)
    if not has_field(hub, "source_id") or not len(variants):
        return []
    first: dict[str, tuple[str, str]] = {}
    for label, path, source in zip(
        *columns(variants, label_path(hub), "filepath", "source_id"), strict=True
    ):
        first.setdefault(label, (source, path))
    chosen = sorted(first.items())[:REMOVED]
    ids, paths = columns(hub.select([source for _, (source, _) in chosen]), "id", "filepath")
    sources = dict(zip(ids, paths, strict=True))
    return [(label, sources[source], path) for label, (source, path) in chosen if source in sources]


def _shown(
    records: dict[str, Any],
    models: list[ModelPart],
    crossing: list[Json],
    removed: list[tuple[str, str, str]],
) -> list[str]:
    """The paths whose pictures the page shows."""
    groups = (records.get("dedupe") or {"groups": []})["groups"]
    far = records.get("outliers") or {"outliers": []}
    foreign = (far.get("embedding") or {"outliers": []})["outliers"]
    paths = [
        path for group in gravest_first(groups)[:GROUPS] for path in group["members"][:MEMBERS]
    ]
    crossed = shown_leaks(crossing, GROUPS, MEMBERS)
    paths += [row["filepath"] for _, members in crossed for row in members]
    paths += [path for _, *both in removed for path in both]
    rows = [*far["outliers"][:WORST], *foreign[:WORST]]
    rows += [row for worst in worst_by_class(far["outliers"]).values() for row in worst]
    paths += [row["filepath"] for row in rows]
    paths += sheet_paths(records)
    for model in models:
        paths += [row["filepath"] for row in (model.mistakes or {"samples": []})["samples"][:WORST]]
    return paths
