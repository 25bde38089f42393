"""Keep the metrics of a model's previous trainings on other views."""

from __future__ import annotations

import json
from typing import Any

from bccurate.files import sha256
from bccurate.workflows.split_metrics import Part

MOST = 4  # rows kept
FIGURES = ("n", "accuracy", "accuracy_interval", "macro_f1")
Row = dict[str, Any]


def held_out(parts: dict[str, Part]) -> str:
    """A checksum of which samples of val and test were measured, and of their classes."""
    rows = {
        split: sorted(zip(part.ids, part.targets.tolist(), strict=True))
        for split, part in parts.items()
        if split != "train"
    }
    return sha256(json.dumps(rows, sort_keys=True).encode())[:16]


def earlier_trainings(stored: Row | None, views: list[str]) -> list[Row]:
    """The last training on each set of views but ``views``, newest first.

    ``stored`` is the record of ``train`` that is about to be replaced. A row has ``views``, the
    other ``settings``, ``held_out`` and, a split, ``n``, ``accuracy``, ``accuracy_interval`` and
    ``macro_f1``.
    """
    if stored is None:
        return []
    rows = [_row(stored), *stored.get("earlier", [])]
    return [row for row in rows if sorted(row["views"]) != sorted(views)][:MOST]


def _row(record: Row) -> Row:
    settings = {key: value for key, value in record["settings"].items() if key != "views"}
    return {
        "views": record["settings"].get("views", []),
        "settings": settings,
        "held_out": record.get("held_out"),
        "metrics": {
            split: {key: figures[key] for key in FIGURES}
            for split, figures in record["metrics"].items()
        },
    }
