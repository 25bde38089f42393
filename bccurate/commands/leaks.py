"""``bccurate leaks``: duplicates, patients or slides that stand in more than one split."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bccurate.curation.leakage import crossing_groups
from bccurate.hub import runs, views
from bccurate.hub.open import opened
from bccurate.hub.read import columns, require_field
from bccurate.hub.views import SPLITS
from bccurate.hub.write import set_tag
from bccurate.records import LeaksRecord
from bccurate.settings import dataset_in_use


def leaks(dataset: str | None = None, group: str | None = None) -> LeaksRecord:
    """Tag every sample of a group that crosses splits, for splits that were made elsewhere.

    Args:
        dataset: name; the one in use where None.
        group: a field (patient, slide) looked at beside the duplicate groups.

    Raises:
        UsageError: an unknown dataset or field, or duplicates were not looked for.
    """
    name = dataset_in_use(dataset)
    with opened(name) as hub:
        require_field(hub, "duplicate_group", f"bccurate dedupe -d {name}")
        if group:
            require_field(hub, group, f"bccurate info -d {name}")
        view = views.originals(hub)
        fields = ["duplicate_group", *([group] if group else [])]
        ids, paths, tags, *values = columns(view, "id", "filepath", "tags", *fields)
        splits = [next((s for s in SPLITS if s in own), None) for own in tags]
        rows: list[dict[str, Any]] = []
        leaking: set[str] = set()
        for field, column in zip(fields, values, strict=True):
            for value, members, names in crossing_groups(column, splits):
                leaking.update(ids[i] for i in members)
                rows.append(
                    {
                        "field": field,
                        "group": value,
                        "splits": names,
                        "members": [paths[i] for i in members],
                    }
                )
        changed = set_tag(view, "leak", leaking) > 0
        changed |= views.save(hub, "leaks", hub.match_tags("leak").sort_by("duplicate_group"))
        record = LeaksRecord(name, rows, len(leaking))
        if not any(splits):
            record.warnings.append(f"no sample has a split yet: bccurate split -d {name}")
        changed |= runs.save(hub, "leaks", record, {"group": group})
        return replace(record, changed=changed)
