"""``bccurate leaks``: duplicates, patients or slides that stand in more than one split."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bccurate.curation.leakage import Crossing, crossing_duplicates, crossing_groups
from bccurate.errors import UsageError
from bccurate.hub import runs, views
from bccurate.hub.open import opened
from bccurate.hub.read import columns, has_field, require_field
from bccurate.hub.views import SPLITS
from bccurate.hub.write import set_tag
from bccurate.records import LeaksRecord
from bccurate.settings.in_use import dataset_in_use

DUPLICATES = ("duplicate_group", "linked_group", "pixelhash")  # the closest kind first


@dataclass(frozen=True)
class Leaks:
    """``rows`` of the record, ``ids`` of the samples in them, and whether there is a split."""

    rows: list[dict[str, Any]]
    ids: set[str]
    any_split: bool


def leaks(
    dataset: str | None = None, group: str | None = None, view: str | None = None
) -> LeaksRecord:
    """Tag every sample of a group that crosses splits, for splits that were made elsewhere.

    A group here is all that a chain of duplicates joins: also the samples of a chain too long to
    be one duplicate group, and equal pixels that came after ``dedupe``.

    Args:
        dataset: name; the one in use where None.
        group: a field (patient, slide) looked at beside the duplicates.
        view: a saved view, alone looked at; the samples outside it then leak nothing.

    Raises:
        UsageError: an unknown dataset, view or field, or duplicates were not looked for.
    """
    name = dataset_in_use(dataset)
    with opened(name, write=True) as hub:
        if not runs.has(hub, "dedupe"):
            raise UsageError(
                f"Duplicates were not looked for in {name!r} yet.", f"bccurate dedupe -d {name}"
            )
        if group:
            require_field(hub, group, f"bccurate info -d {name}")
        found = find_leaks(hub, group, view)
        changed = set_tag(views.originals(hub), "leak", found.ids) > 0
        changed |= views.save(hub, "leaks", views.leaks(hub))
        record = LeaksRecord(name, found.rows, len(found.ids), view=view)
        if not found.any_split:
            record.warnings.append(f"no sample has a split yet: bccurate split -d {name}")
        options = {"group": group} | ({"view": view} if view else {})
        changed |= runs.save(hub, "leaks", record, options)
        return replace(record, changed=changed)


def leaks_now(hub: Any) -> Leaks:
    """What leaks as the splits are now, with the group field of the last ``leaks``."""
    group = (runs.stored_options(hub, "leaks") or {}).get("group")
    return find_leaks(hub, group if group and has_field(hub, group) else None)


def retag_leaks(hub: Any) -> tuple[Leaks, bool]:
    """Find and tag what leaks, with the group field of the last ``leaks``; and whether it wrote."""
    found = leaks_now(hub)
    return found, set_tag(views.originals(hub), "leak", found.ids) > 0


def find_leaks(hub: Any, group: str | None = None, view: str | None = None) -> Leaks:
    """The duplicates, and groups of the field ``group``, that cross splits; writes nothing."""
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
