"""Find the samples that were imported with more than one label."""

from __future__ import annotations

from typing import Any

from bccurate.hub import runs, views
from bccurate.hub.read import columns


def imported_conflicts(hub: Any) -> list[str]:
    """Return the ids of paths that were imported with two labels; they stay in conflict."""
    record = runs.load(hub, "import") or {"conflicts": []}
    paths = {conflict["filepath"] for conflict in record["conflicts"]}
    pairs = zip(*columns(views.originals(hub), "id", "filepath"), strict=True)
    return [i for i, path in pairs if path in paths]
