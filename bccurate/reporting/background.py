"""Training with and without the background, side by side where one model was trained both ways."""

from __future__ import annotations

from bccurate.reporting.report_data import Json, ModelPart, ReportData
from bccurate.reporting.text import count_of, percent

VIEW = "background_removed"
KINDS = {
    "as they are": "the pictures as they are",
    "both": "every picture twice, with and without",
    "removed": "pictures without background alone",
}


def background(data: ReportData) -> Json | None:
    """A row a training; None unless a model was trained with and without on one split."""
    found = [rows for model in data.models if len(rows := _trainings(model)) > 1]
    if not found:
        return None
    return {
        "rows": [row for rows in found for row in rows],
        "said": [sentence for rows in found for sentence in _said(rows)],
    }


def _trainings(model: ModelPart) -> list[Json]:
    """A row a kind of training that was measured on the very samples of the last one."""
    record = model.train
    if not record or not record.get("held_out"):  # a record of an older release
        return []
    last = {**record, "views": record["settings"].get("views", [])}
    alike = [row for row in record.get("earlier", []) if row["held_out"] == record["held_out"]]
    rows: dict[str, Json] = {}
    for row in [last, *alike]:
        rows.setdefault(_kind(row["views"]), row)
    return [
        {"model": model.name, "kind": kind, "trained_on": KINDS[kind], **_figures(rows[kind], last)}
        for kind in KINDS
        if kind in rows
    ]


def _kind(views: list[str]) -> str:
    if VIEW not in views:
        return "as they are"
    return "both" if len(views) > 1 else "removed"


def _figures(row: Json, last: Json) -> Json:
    theirs = row["settings"]
    other = {key for key, value in last["settings"].items() if theirs.get(key) != value} - {"views"}
    return {
        "views": row["views"],
        "splits": [row["metrics"].get(split) for split in ("val", "test")],
        "other": sorted(other),
    }


def _said(rows: list[Json]) -> list[str]:
    """What the test images say of each way without the background against the plain one."""
    plain, *others = rows
    if plain["kind"] != "as they are" or not plain["splits"][1]:
        return []
    base, found = plain["splits"][1], []
    for row in others:
        test = row["splits"][1]
        if not test:
            continue
        words = f"{row['model']}, trained on {row['trained_on']}, names {percent(test['accuracy'])}"
        words += f" of {count_of(test['n'], 'test image')} rightly, against "
        words += f"{percent(base['accuracy'])} with the pictures as they are: "
        words += (
            "these images do not tell the two apart."
            if _overlap(base, test)
            else _verdict(base, test)
        )
        if other := sorted({*plain["other"], *row["other"]}):
            words += f" Beware: {', '.join(other)} differed, too."
        found.append(words)
    return found


def _overlap(one: Json, other: Json) -> bool:
    (low, high), (bottom, top) = one["accuracy_interval"], other["accuracy_interval"]
    return bool(low <= top and bottom <= high)


def _verdict(base: Json, test: Json) -> str:
    if test["accuracy"] > base["accuracy"]:
        return "the background misled it."
    return "it leaned on the background, or misses what was cut away."
