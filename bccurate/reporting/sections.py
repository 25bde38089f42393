"""From records to what the template lays out: one function a section, all pure.

A section is None where its record is missing; the template then names the command that makes it.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from typing import Any

from bccurate.reporting import charts, intensity
from bccurate.reporting.attention import attention
from bccurate.reporting.data import Json, ModelPart, ReportData
from bccurate.reporting.fidelity import fidelity, variant_runs
from bccurate.reporting.text import pretty_record, short_path

SPLITS = ("train", "val", "test")
MOST_CLASSES = 48  # beyond it a matrix, whose size goes with the square, is not readable


@dataclass(frozen=True)
class Caps:
    """How many pictures each gallery may show."""

    groups: int = 12
    members: int = 6
    outliers: int = 24
    mistakes: int = 24
    sheet: int = 24
    variants: int = 16  # sources, each with its variants
    beside: int = intensity.WORST  # the plot of a class
    corruptions: int = 40

    def scaled(self, share: float) -> Caps:
        """Caps for a page that may hold only ``share`` in [0, 1] of the pictures."""
        return Caps(
            math.floor(self.groups * share),
            self.members,
            *(
                math.floor(most * share)
                for most in (
                    self.outliers,
                    self.mistakes,
                    self.sheet,
                    self.variants,
                    self.beside,
                    self.corruptions,
                )
            ),
        )


@dataclass(frozen=True)
class Picture:
    """A thumbnail with its name; ``uri`` is None where there is no picture to show."""

    path: str
    uri: str | None
    kept: bool = False

    @property
    def name(self) -> str:
        """The last folder and the file's name."""
        return short_path(self.path)


def data_uri(jpeg: bytes | None) -> str | None:
    """JPEG bytes as a ``data:`` address, which needs no network."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}" if jpeg else None


def picture(data: ReportData, path: str, kept: bool = False) -> Picture:
    """The thumbnail of ``path``, where there is one."""
    return Picture(path, _uri(data, path), kept)


def _uri(data: ReportData, path: str) -> str | None:
    return data_uri(data.thumbnails.get(path))


def classes(data: ReportData) -> Json | None:
    """Table 1: a row a class. ``share`` is relative to the largest class, for the bar.

    Columns that are zero all the way down are left out.
    """
    info, imported = data.records.get("info"), data.records.get("import") or {}
    if not info and not imported:
        return None
    rows = [{"label": k, "n": n} for k, n in imported.get("class_counts", {}).items()]
    if info:
        rows = info["classes"]
        if rows and rows[-1].get("label") == "total":
            rows = rows[:-1]  # the record ends with the sums, which are made anew below
    keys = [key for key in (rows[0] if rows else {}) if any(row.get(key) for row in rows)]
    counts = [row.get("n") or 0 for row in rows]
    most = max(counts, default=0) or 1
    unreadable = imported.get("unreadable", [])
    return {
        "header": [{"n": "images"}.get(key, key.replace("_", " ")) for key in keys],
        "rows": [
            ([row.get(key) for key in keys], n / most) for row, n in zip(rows, counts, strict=True)
        ],
        "totals": [_total([row.get(key) for row in rows]) for key in keys[1:]],
        "n": sum(counts),
        "sizes": sorted((info or {}).get("sizes", {}).items(), key=lambda item: -item[1])[:6],
        "unreadable": unreadable[:8],
        "unreadable_count": len(unreadable),
    }


def _total(values: list[Any]) -> int | None:
    whole = all(isinstance(v, int) and not isinstance(v, bool) for v in values)
    return sum(values) if whole and values else None


def gravest_first(groups: list[Json]) -> list[Json]:
    """Duplicate groups: contamination, then labels in conflict, then the largest."""
    return sorted(
        groups,
        key=lambda g: (not g.get("contamination"), not g["conflict"], -len(g["members"])),
    )


def duplicates(data: ReportData, caps: Caps) -> Json | None:
    """Counts and a gallery of groups, the gravest first, each with its weakest pair's reason."""
    record = data.records.get("dedupe")
    if not record:
        return None
    groups = gravest_first(record["groups"])
    gallery = []
    for group in groups[: caps.groups]:
        keep = group.get("keep")
        members = sorted(group["members"], key=lambda path: path != keep)
        shown = [picture(data, path, path == keep) for path in members[: caps.members]]
        pairs = sorted(group.get("pairs", []), key=lambda pair: pair["similarity"])
        why = pairs[0]["why"] if pairs else None
        gallery.append({**group, "shown": shown, "more": len(members) - len(shown), "why": why})
    return {
        "counts": record.get("counts", {}),
        "method": record.get("method"),
        "threshold": record.get("threshold"),
        "gallery": gallery,
        "more": len(groups) - len(gallery),
    }


def outliers(data: ReportData, caps: Caps) -> Json | None:
    """A panel a class and the worst images. All panels share their scales."""
    record = data.records.get("outliers")
    if not record:
        return None
    per_class = record.get("per_class", {})
    points = [point for values in data.intensities.values() for point in values]
    x, y = _scale([p[0] for p in points]), _scale([p[1] for p in points])
    # Where there are more classes than fit, those with outliers are the ones to look at.
    order = sorted(data.intensities.items(), key=lambda kv: -sum(out for _, _, out in kv[1]))
    fit = dict(order[:MOST_CLASSES])
    found = record["outliers"]
    beside = intensity.worst_by_class(found, caps.beside)
    plots = [
        {
            "label": label,
            "n": len(values),
            "outliers": sum(out for _, _, out in values),
            "svg": intensity.panel(
                label,
                values,
                per_class.get(label),
                x,
                y,
                [(row, _uri(data, row["filepath"])) for row in beside.get(label, [])],
            ),
        }
        for label, values in data.intensities.items()
        if label in fit
    ]
    foreign = (record.get("embedding") or {}).get("outliers", [])
    worst, far = (
        [(row, picture(data, row["filepath"])) for row in rows[: caps.outliers]]
        for rows in (found, foreign)
    )
    most = max(map(len, fit.values()), default=0)
    return {
        "record": record,
        "n": len(found),
        "plots": plots,
        "more_plots": len(data.intensities) - len(plots),
        "thinned": intensity.MOST_DOTS if most > intensity.MOST_DOTS else 0,
        "worst": worst,
        "more": len(found) - len(worst),
        "foreign": far,
    }


def _scale(values: list[float]) -> tuple[float, float]:
    """A scale from ten to ten, within 0 to 255, that holds all finite values."""
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return 0.0, 255.0
    return max(0.0, math.floor(min(finite) / 10) * 10), min(255.0, math.ceil(max(finite) / 10) * 10)


def split(data: ReportData) -> Json | None:
    """The split table, and what augmentation added to the training part."""
    record = data.records.get("split")
    if not record:
        return None
    counts = record["counts"]
    names = [name for name in SPLITS if name in counts]
    names += [name for name in counts if name not in names]
    labels = sorted({label for name in names for label in counts[name]})
    total = sum(sum(counts[name].values()) for name in names)
    return {
        "names": names,
        "rows": [(label, [counts[name].get(label, 0) for name in names]) for label in labels],
        "totals": [sum(counts[name].values()) for name in names],
        "shares": [sum(counts[name].values()) / total if total else 0 for name in names],
        "kept_whole": record.get("groups_kept_whole", 0),
        "seed": record.get("seed"),
        "augmented": variant_runs(data.records),
    }


def variants(data: ReportData, caps: Caps) -> list[Json]:
    """How far the variants of each kind are from their sources, with pictures side by side."""
    parts = fidelity(data.records, caps.variants)
    for part in parts:
        for row in part["sheet"]:
            own = [picture(data, path) for path in row["variants"]]
            row["pictures"] = [picture(data, row["source"], kept=True), *own]
    return parts


def metrics_of(model: ModelPart) -> dict[str, Json]:
    """Split to metrics, from the evaluation, else from the training."""
    return (model.evaluate or {}).get("metrics") or (model.train or {}).get("metrics") or {}


def compare(data: ReportData) -> list[Json]:
    """Table 2: a row a model with its metrics for train, val and test.

    ``against`` is McNemar's test on the test split against the best single model, where it was
    made of the very metrics that are shown.
    """
    found = [(model.name, metrics_of(model)) for model in data.models]
    tests = {row["model"]: row for row in mcnemar(data) if row["split"] == "test"}
    return [
        {"name": name, "splits": [m.get(s) for s in SPLITS], "against": tests.get(name)}
        for name, m in found
        if m
    ]


def mcnemar(data: ReportData) -> list[Json]:
    """The tests of ``evaluate`` on several models; none where a model was measured anew since."""
    record = data.records.get("evaluate") or {}
    shown = {model.name: metrics_of(model) for model in data.models}
    fresh = {
        name for name, row in record.get("models", {}).items() if row["metrics"] == shown.get(name)
    }
    return [row for row in record.get("mcnemar", []) if {row["model"], row["against"]} <= fresh]


def model_part(data: ReportData, model: ModelPart, number: int, caps: Caps) -> Json:
    """Charts and galleries of one model, from the split that says most: test, else val, train."""
    found = metrics_of(model)
    name = next((s for s in reversed(SPLITS) if s in found), None) or next(iter(found), None)
    metrics: Json = found.get(name, {}) if name else {}
    names = (model.evaluate or {}).get("classes") or list(metrics.get("per_class", {}))
    few = len(names) <= MOST_CLASSES
    wrong = [s for s in (model.mistakes or {}).get("samples", []) if s["label"] != s["prediction"]]
    wrong.sort(key=lambda s: -(s.get("confidence") or 0))
    history = (model.train or {}).get("history") or []
    bins = metrics.get("reliability")
    rows = [(row, data_uri(row.image), data_uri(row.overlay)) for row in model.sheet[: caps.sheet]]
    return {
        "id": f"model-{number}",
        "name": model.name,
        "part": model,
        "split": name,
        "metrics": metrics,
        "too_many": 0 if few else len(names),
        "confusion": confusion(names, metrics.get("confusion")) if few else None,
        "reliability": bins and charts.reliability(bins, f"Reliability of {model.name}"),
        "recall": few
        and metrics.get("per_class")
        and charts.recall_bars(metrics["per_class"], f"Recall a class, {model.name}"),
        "loss": charts.history(history, "loss", f"Loss of {model.name}"),
        "f1": charts.history(history, "f1", f"Macro F1 of {model.name}"),
        "mistakes": [(row, picture(data, row["filepath"])) for row in wrong[: caps.mistakes]],
        "more_mistakes": max(0, len(wrong) - caps.mistakes),
        "sheet": rows,
        "attention": attention(model.explain, name),
        "more_sheet": len(model.sheet) - len(rows),
    }


def confusion(names: list[str], matrix: list[list[int]] | None) -> list[Json] | None:
    """Rows of the confusion matrix: true label, and a (count, share of the row) a cell."""
    if not matrix:
        return None
    rows = []
    for i, (name, counts) in enumerate(zip(names, matrix, strict=True)):
        total = sum(counts)
        cells = [(n, n / total if total else 0.0, i == j) for j, n in enumerate(counts)]
        rows.append({"name": name, "cells": cells, "n": total})
    return rows


def runs(data: ReportData) -> list[tuple[str, str]]:
    """Name and shortened JSON of every record."""
    found = list(data.records.items())
    for model in data.models:
        parts = ("train", "evaluate", "corruptions", "mistakes", "explain")
        found += [(f"{part} {model.name}", getattr(model, part)) for part in parts]
    return [(name, pretty_record(record)) for name, record in found if record]
