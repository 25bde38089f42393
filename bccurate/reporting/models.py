"""The sections on models: Table 2, and charts and galleries of each."""

from __future__ import annotations

from markupsafe import Markup

from bccurate.reporting import charts
from bccurate.reporting.attention import attention
from bccurate.reporting.gallery import MOST_CLASSES, SPLITS, Caps, data_uri, picture
from bccurate.reporting.report_data import Json, ModelPart, ReportData, SheetRow
from bccurate.reporting.text import percent


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
    sheet = figure_2(model.sheet[: caps.sheet])
    return {
        "id": f"model-{number}",
        "name": model.name,
        "part": model,
        "split": name,
        "metrics": metrics,
        "too_many": 0 if few else len(names),
        "confusion": confusion(names, metrics.get("confusion")) if few else None,
        "reliability": _reliability(model, metrics),
        "temperature": (model.evaluate or {}).get("temperature"),
        "recall": few
        and metrics.get("per_class")
        and charts.recall_bars(metrics["per_class"], f"Recall a class, {model.name}"),
        "loss": charts.history(history, "loss", f"Loss of {model.name}"),
        "f1": charts.history(history, "f1", f"Macro F1 of {model.name}"),
        "mistakes": [(row, picture(data, row["filepath"])) for row in wrong[: caps.mistakes]],
        "more_mistakes": max(0, len(wrong) - caps.mistakes),
        "sheet": sheet,
        "attention": attention(model.explain),
        "more_sheet": max(0, len(model.sheet) - caps.sheet),
    }


def _reliability(model: ModelPart, metrics: Json) -> Markup | None:
    """The curve as it is and, where a temperature was fitted, after it."""
    bins, after = metrics.get("reliability"), metrics.get("reliability_calibrated")
    if not bins:
        return None
    curves = [(f"as it is, ECE {percent(metrics.get('ece'))}", bins)]
    if after:
        curves.append((f"after temperature, {percent(metrics.get('ece_calibrated'))}", after))
    return charts.reliability(curves, f"Reliability of {model.name}")


def figure_2(rows: list[SheetRow]) -> list[Json]:
    """The paper's Figure 2, a row a class: its hits, then its mistakes; image, map, overlay."""
    found: dict[str, list[Json]] = {}
    for row in sorted(rows, key=lambda row: (row.label, row.label != row.prediction)):
        pictures = [data_uri(jpeg) for jpeg in (row.image, row.map, row.overlay)]
        tile = {"row": row, "pictures": pictures, "right": row.label == row.prediction}
        found.setdefault(row.label, []).append(tile)
    return [{"label": label, "tiles": tiles} for label, tiles in found.items()]


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
