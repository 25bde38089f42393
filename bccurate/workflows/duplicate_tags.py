"""Find the duplicates of a dataset, and tag all but one of each group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bccurate.duplicates.components import connected
from bccurate.duplicates.engine import Engine
from bccurate.duplicates.groups import ImageColumns
from bccurate.hub import runs, views
from bccurate.hub.open import opened
from bccurate.hub.read import columns, label_path, require_samples
from bccurate.hub.review_tags import set_curation_tag
from bccurate.hub.samples import ensure_hash, ensure_image_stats
from bccurate.hub.write import set_column
from bccurate.images.hashing import to_uint64
from bccurate.images.thumbnail import from_text
from bccurate.records import DedupeRecord
from bccurate.settings.curation import DedupeOptions
from bccurate.workflows.duplicate_search import (
    DuplicateSearch,
    Images,
    method_options,
    search_duplicates,
)
from bccurate.workflows.import_conflicts import imported_conflicts
from bccurate.workflows.split_leaks import retag_leaks


def dedupe_dataset(
    name: str, options: DedupeOptions, engine: Engine
) -> tuple[DedupeRecord, dict[str, str | None]]:
    """Tag the duplicates of a dataset; returns the record and the label of each path."""
    with opened(name, write=True) as hub:
        chosen = views.looked_at(hub, options.view)
        wanted = f"readable samples in {name!r}"
        require_samples(chosen, wanted, f"bccurate import PATH --name {name}")
        decoded, unreadable = ensure_image_stats(chosen, engine.read_stats)
        chosen = chosen.match_tags("unreadable", bool=False)
        decoded += ensure_hash(chosen, options.method)
        require_samples(chosen, wanted, f"bccurate info -d {name}")
        ids, images = _read_images(chosen, options.method)
        found = search_duplicates(images, options, engine)
        changed = _write(hub, ids, found) + decoded > 0
        leaks, retagged = retag_leaks(hub)
        stored = method_options(options) | ({"view": options.view} if options.view else {})
        record = DedupeRecord(
            dataset=name,
            **stored,
            groups=found.rows(),
            unreadable=[{"filepath": u.filepath, "reason": u.reason} for u in unreadable],
            counts=found.counts(len(leaks.rows)),
            decoded=decoded,
            warnings=[*found.warnings(), *_warnings(name, options.view, len(leaks.rows))],
        )
        record = _finish(hub, record, stored, changed | retagged)
        return record, dict(zip(images.paths, images.labels, strict=True))


def _read_images(view: Any, method: str) -> tuple[list[str], Images]:
    """Return the ids of a view's samples and what grouping reads of them, sorted by path."""
    rows = sorted(
        zip(
            *columns(
                view, "filepath", "id", label_path(view), "pixelhash", method,
                "thumb", "intensity_std", "sharpness", "metadata.width", "metadata.height",
            ),
            strict=True,
        )
    )  # fmt: skip
    table = [list(column) for column in zip(*rows, strict=True)]
    paths, ids, labels, pixelhashes, hashes, thumbs, stds, sharpness, widths, heights = table
    areas = [width * height for width, height in zip(widths, heights, strict=True)]
    stored = ImageColumns(
        pixelhashes, to_uint64(hashes), np.array(stds, dtype=np.float64), from_text(thumbs)
    )
    return ids, Images(paths, labels, stored, areas, sharpness)


def _write(hub: Any, own_ids: Sequence[str], search: DuplicateSearch) -> int:
    """Write groups, keepers and tags of all samples; returns how many values changed."""
    group_of: dict[str, int] = {}
    keeper_of: dict[str, str] = {}
    tagged: dict[str, list[str]] = {
        "duplicate": [], "label_conflict": imported_conflicts(hub), "contamination": []
    }  # fmt: skip
    groups = zip(search.found.groups, search.judgements, strict=True)
    for number, (group, judgement) in enumerate(groups, 1):
        ids = [own_ids[i] for i in group.members]
        group_of |= dict.fromkeys(ids, number)
        keeper_of |= dict.fromkeys(ids[1:], ids[0])
        tagged["duplicate"] += ids[1:]
        tagged["label_conflict"] += ids if judgement.conflict else []
        tagged["contamination"] += ids if judgement.contamination else []
    linked = _numbered(connected(len(own_ids), *search.found.joined))
    linked_of = dict(zip(own_ids, linked, strict=True))
    view = views.originals(hub)
    every = view.values("id")  # also those outside a view: what an earlier call found goes
    written = set_column(view, "duplicate_group", every, [group_of.get(i) for i in every])
    written += set_column(view, "duplicate_of", every, [keeper_of.get(i) for i in every])
    written += set_column(view, "linked_group", every, [linked_of.get(i) for i in every])
    return written + sum(set_curation_tag(view, tag, ids) for tag, ids in tagged.items())


def _numbered(components: list[int]) -> list[int | None]:
    """Number the components of two and more; None for an image that is alone."""
    counts = Counter(components)
    number: dict[int, int] = {}
    return [number.setdefault(c, len(number) + 1) if counts[c] > 1 else None for c in components]


def _warnings(name: str, view: str | None, leaks: int) -> list[str]:
    warnings = []
    if view:
        warnings.append(f"only the view {view} was searched: no sample outside it is tagged")
    if leaks:
        warnings.append(
            f"{leaks} groups cross splits and are tagged leak: bccurate leaks -d {name}"
        )
    return warnings


def _finish(hub: Any, record: DedupeRecord, options: dict[str, Any], changed: bool) -> DedupeRecord:
    """Save the views and the run."""
    if hub.get_field("duplicate_group") is not None:
        changed |= views.save(hub, "duplicates", views.duplicates(hub))
    changed |= views.save(hub, "deduplicated", views.deduplicated(hub))
    changed |= runs.save(hub, "dedupe", record, options)
    return replace(record, changed=changed)
