"""Which runs were measured on labels that are no longer those of the dataset."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from bccurate.files import sha256
from bccurate.hub import runs, views
from bccurate.hub.read import columns, label_path
from bccurate.hub.views import SPLITS


def labels_digest(hub: Any) -> str:
    """A checksum of which clean samples stand in which split, under which label."""
    view = views.clean(hub).match_tags(list(SPLITS)).exists(label_path(hub))
    rows = zip(*columns(view, "id", label_path(hub), "tags"), strict=True)
    placed = sorted((i, label, [s for s in SPLITS if s in tags]) for i, label, tags in rows)
    return sha256(json.dumps(placed).encode())[:16]


def out_of_date(hub: Any, after: Iterable[str] = ()) -> list[str]:
    """A line that names the commands to run again; none where nothing is out of date.

    Args:
        after: commands whose runs depend on what was just changed, beside the evaluations, which
            know what they were measured on.
    """
    commands = tuple(after)
    digest = labels_digest(hub)
    found = [
        f"{row['command']} {_model(hub, row['run'])}".strip()
        for row in runs.overview(hub)
        if row["command"] in commands
        or (row["run"].startswith("evaluate_") and row["options"].get("labels") != digest)
    ]
    if not found:
        return []
    again = ", ".join(f"bccurate {command}" for command in dict.fromkeys(found))
    return [f"out of date, as labels or clean samples have changed since; run again: {again}"]


def _model(hub: Any, run: str) -> str:
    return str((runs.load(hub, run) or {}).get("model", ""))
