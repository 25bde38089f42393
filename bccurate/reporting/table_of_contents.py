"""The table of contents: every section with what it found in a few words."""

from __future__ import annotations

from typing import Any

from bccurate.reporting.text import count_of, percent

Entry = tuple[str, str, str | None]  # id, title, what was found; None where nothing was run
Parts = dict[str, Any]  # what the template gets


def contents(parts: Parts) -> list[Entry]:
    """A row a section of the page whose ``parts`` these are."""
    rows = [
        ("classes", "Classes", _classes(parts["classes"])),
        ("duplicates", "Duplicates", _duplicates(parts["duplicates"])),
        ("outliers", "Outliers", _outliers(parts["outliers"])),
        ("split", "Split", _split(parts["split"])),
        ("leaks", "Leaks", _leaks(parts["leaks"])),
        ("models", "Models", _models(parts["table"])),
        ("estimate", "Estimate", _estimate(parts)),
        ("robustness", "Robustness", _robustness(parts["robustness"])),
        ("background", "Background", _background(parts)),
    ]
    rows += [(model["id"], model["name"], _model(model)) for model in parts["models"]]
    return [*rows, ("runs", "Records", count_of(len(parts["runs"]), "record"))]


def _classes(found: Any) -> str | None:
    if not found:
        return None
    images = count_of(found["n"], "image")
    return f"{images} of {count_of(len(found['rows']), 'class', 'classes')}"


def _duplicates(found: Any) -> str | None:
    if not found:
        return None
    counts = found["counts"]
    words = count_of(counts.get("groups", 0), "group")
    conflicts = counts.get("conflicts", 0)
    return f"{words}, {count_of(conflicts, 'conflict')}" if conflicts else words


def _outliers(found: Any) -> str | None:
    return found and count_of(found["n"], "image")


def _split(found: Any) -> str | None:
    return found and " / ".join(f"{n:,}" for n in found["totals"])


def _leaks(found: Any) -> str | None:
    if not found:
        return None
    return count_of(found["n"], "group") if found["n"] else "none"


def _models(table: Any) -> str | None:
    return count_of(len(table), "model") if table else None


def _estimate(parts: Parts) -> str | None:
    best = next((row for row in parts["estimates"] if row["name"] == parts["best"]), None)
    if not best:
        return None
    *_, test, corrupted = best["cells"]
    words = f"{percent(test['accuracy'])} clean" if test else ""
    return f"{words}, {percent(corrupted['accuracy'])} corrupted" if corrupted else words or None


def _robustness(found: Any) -> str | None:
    return count_of(len(found["maps"]), "model") if found else None


def _background(parts: Parts) -> str | None:
    found = parts["background"]
    if found:
        return count_of(len(found["rows"]), "training")
    return "masks" if parts["removed"] else None


def _model(model: Any) -> str | None:
    accuracy = model["metrics"].get("accuracy")
    return None if accuracy is None else f"{percent(accuracy)} of {model['split']}"
