"""The sections on corrupted images, and on which estimate of a model's accuracy to believe."""

from __future__ import annotations

from bccurate.reporting import charts
from bccurate.reporting.gallery import Caps, data_uri
from bccurate.reporting.models import metrics_of
from bccurate.reporting.report_data import Json, ModelPart, ReportData
from bccurate.reporting.text import count_of, percent

LARGE_GAP = 0.1  # clean less corrupted accuracy above it is worth a sentence
ESTIMATES = {
    "random": "random-split validation",
    "safe": "duplicate-safe validation",
    "test": "clean test",
    "corrupted": "corrupted test",
}


def robustness(data: ReportData, caps: Caps) -> Json | None:
    """A heat map a model and one cell under each corruption; None where none was measured."""
    measured = [(model.name, figures_of(model)) for model in data.models]
    maps = [_maps(name, figures) for name, figures in measured if figures]
    if not maps:
        return None
    shown = data.corruptions[: caps.corruptions]
    return {
        "maps": maps,
        "sheet": [(row, [data_uri(image) for image in row.images]) for row in shown],
        "more": len(data.corruptions) - len(shown),
    }


def figures_of(model: ModelPart) -> Json | None:
    """What ``evaluate --corruptions`` found of a model."""
    return (model.corruptions or {}).get("figures")


def _maps(name: str, figures: Json) -> Json:
    columns = [str(severity) for severity in figures["severities"]]
    combined = figures.get("combined")  # figures stored before it was counted have none
    families, members = (
        {key: [cell["accuracy"] for cell in row["severities"]] for key, row in rows.items()}
        for rows in (
            figures["families"] | ({"three at once": combined} if combined else {}),
            figures["corruptions"],
        )
    )
    readable = {key.replace("_", " "): shares for key, shares in members.items()}
    return {
        "name": name,
        "figures": figures,
        "families": charts.heat_map(families, columns, f"Accuracy of {name} by family, percent"),
        "members": charts.heat_map(readable, columns, f"Accuracy of {name} by corruption, percent"),
    }


def parted_duplicates(data: ReportData) -> str | None:
    """Why the validation split may flatter, or None where no duplicates are parted."""
    if not data.records.get("dedupe"):
        return "duplicates were never looked for (bccurate dedupe)"
    leaking = len({row["filepath"] for group in data.leaks or [] for row in group["members"]})
    if leaking:
        return f"{count_of(leaking, 'sample')} stand in groups that cross splits (bccurate leaks)"
    return None


def estimates(data: ReportData) -> list[Json]:
    """A row a model: its accuracy by each of ``ESTIMATES``, with interval and n, or None."""
    own = "random" if parted_duplicates(data) else "safe"
    rows = []
    for model in data.models:
        metrics, figures = metrics_of(model), figures_of(model)
        cells: dict[str, Json | None] = dict.fromkeys(ESTIMATES)
        for key, split in ((own, "val"), ("test", "test")):
            found = metrics.get(split)
            cells[key] = found and _cell(
                found["accuracy"], found.get("accuracy_interval"), found["n"]
            )
        if model.validation:  # both were measured, of one split that parts duplicates
            cells |= {"random": model.validation["all"], "safe": model.validation["safe"]}
        if figures:
            cells["corrupted"] = _cell(
                figures["corrupted_accuracy"], figures["corrupted_interval"], figures["n"]
            )
        if any(cells.values()):
            rows.append({"name": model.name, "cells": list(cells.values())})
    return rows


def _cell(accuracy: float, interval: list[float] | None, n: int) -> Json:
    return {"accuracy": accuracy, "interval": interval, "n": n}


def which_to_believe(data: ReportData, model: ModelPart | None) -> list[str]:
    """Sentences on the estimates of ``model``, the most sober first."""
    if model is None:
        return []
    test, figures = metrics_of(model)["test"], figures_of(model)
    own = f"{percent(test['accuracy'])} (clean test)"
    found = [f"Of {model.name}, believe {own} for images of the same laboratory as these."]
    if figures:
        found = [
            f"Of {model.name}, believe {own} for images made as these were, and rather "
            f"{percent(figures['corrupted_accuracy'])} (corrupted test) for images from elsewhere."
        ]
        weakest, row = min(figures["families"].items(), key=lambda item: item[1]["accuracy"])
        found.append(f"It is weakest under {weakest}: {percent(row['accuracy'])}.")
        if figures.get("combined"):
            worst = percent(figures["combined"]["accuracy"])
            found.append(f"Where three corruptions come at once it names {worst}.")
        if figures["gap"] > LARGE_GAP:
            found.append(
                f"The gap of {100 * figures['gap']:.0f} points is what it learned of these images "
                "alone; stronger augmentation in training narrows it."
            )
    else:
        found.append("Nothing is known yet of images from elsewhere.")
    why = parted_duplicates(data)
    if why:
        found.append(f"Do not believe the random-split validation figure: {why}.")
    found += _gain_by_copies(model)
    found.append(
        "The corruptions are made by a program: another laboratory may be kinder or harsher."
    )
    return found


def _gain_by_copies(model: ModelPart) -> list[str]:
    """How much the copies on both sides of the split are worth, where it was measured."""
    if not model.validation or not model.validation["safe"]:
        return []
    flattered, safe = (model.validation[key]["accuracy"] for key in ("all", "safe"))
    words = f"Without those samples validation says {percent(safe)} in place of "
    return [words + f"{percent(flattered)}."]
