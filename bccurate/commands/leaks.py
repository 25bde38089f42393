"""``bccurate leaks``: duplicates, patients or slides with members in more than one split."""

from __future__ import annotations

from dataclasses import replace

from bccurate.errors import UsageError
from bccurate.hub import runs, views
from bccurate.hub.open import opened
from bccurate.hub.read import require_field
from bccurate.hub.write import set_tag
from bccurate.records import LeaksRecord
from bccurate.settings.in_use import dataset_in_use
from bccurate.workflows.split_leaks import find_leaks


def leaks(
    dataset: str | None = None, group: str | None = None, view: str | None = None
) -> LeaksRecord:
    """Tag every sample of a group that crosses splits, for splits that were made elsewhere.

    A group here is all that a chain of duplicates joins: also the samples of a chain too long to
    be one duplicate group, and equal pixels imported after ``dedupe``.

    Args:
        dataset: name; the one in use where None.
        group: a field (patient, slide) whose values must not cross splits either.
        view: search a saved view alone; the samples outside it then leak nothing.

    Raises:
        UsageError: an unknown dataset, view or field, or ``dedupe`` has not run.
    """
    name = dataset_in_use(dataset)
    with opened(name, write=True) as hub:
        if not runs.has(hub, "dedupe"):
            raise UsageError(
                f"Duplicates in {name!r} have not been searched yet.", f"bccurate dedupe -d {name}"
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
