"""Find the duplicates and groups that cross the splits of a dataset, and tag them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bccurate.curation.leakage import Crossing, crossing_duplicates, crossing_groups
from bccurate.hub import runs, views
from bccurate.hub.read import columns, has_field
from bccurate.hub.views import SPLITS
from bccurate.hub.write import set_tag

DUPLICATES = ("duplicate_group", "linked_group", "pixelhash")  # the closest kind first


@dataclass(frozen=True)
class Leaks:
    """``rows`` of the record, ``ids`` of the samples in them, and whether there is a split."""

    rows: list[dict[str, Any]]
    ids: set[str]
    any_split: bool


def current_leaks(hub: Any) -> Leaks:
    """Find the leaks between the current splits, with the group field of the last ``leaks``."""
    group = (runs.stored_options(hub, "leaks") or {}).get("group")
    return find_leaks(hub, group if group and has_field(hub, group) else None)


def retag_leaks(hub: Any) -> tuple[Leaks, bool]:
    """Find and tag the current leaks; returns them, and whether any tag changed."""
    found = current_leaks(hub)
    return found, set_tag(views.originals(hub), "leak", found.ids) > 0


def find_leaks(hub: Any, group: str | None = None, view: str | None = None) -> Leaks:
    """Find the duplicates, and groups of the field ``group``, that cross splits."""
    chosen = views.looked_at(hub, view)
    if not len(chosen.match_tags(list(SPLITS)).limit(1)):
        return Leaks([], set(), False)
    ids, paths, tags, *values = columns(
        chosen, "id", "filepath", "tags", *DUPLICATES, *([group] if group else [])
    )
    splits = [next((s for s in SPLITS if s in own), None) for own in tags]
    table = dict(zip(DUPLICATES, values[: len(DUPLICATES)], strict=True))
    found = crossing_duplicates(table, splits)
    if group:
        found += [(group, crossing) for crossing in crossing_groups(values[-1], splits)]
    return Leaks(
        [_row(field, crossing, paths) for field, crossing in found],
        {ids[i] for _, crossing in found for i in crossing.members},
        any(splits),
    )


def _row(field: str, crossing: Crossing, paths: list[str]) -> dict[str, Any]:
    return {
        "field": field,
        "group": crossing.group,
        "splits": crossing.splits,
        "members": [paths[i] for i in crossing.members],
    }
