"""``bccurate dedupe``: exact and near duplicates, one keeper each, label conflicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bccurate.curation.duplicates import KEEP, MAX_SEARCHED, Found, Group, find_groups, label_counts
from bccurate.curation.hashing import METHODS, hash_pixels, to_uint64
from bccurate.curation.reading import Unreadable, decode_rgb
from bccurate.curation.registration import from_text
from bccurate.errors import UsageError
from bccurate.hub import runs, views
from bccurate.hub.open import opened
from bccurate.hub.read import LABEL_FIELD, columns, require_samples
from bccurate.hub.samples import ensure_facts
from bccurate.hub.write import set_column, set_tag
from bccurate.progress import track
from bccurate.records import DedupeRecord
from bccurate.settings import dataset_in_use

MAX_THRESHOLD = 14


def dedupe(
    dataset: str | None = None,
    method: str = "phash",
    threshold: int = 4,
    keep: str = "first",
    rotations: bool = False,
) -> DedupeRecord:
    """Tag every duplicate but one of each group; nothing is removed.

    Exact duplicates have equal decoded pixels. Near duplicates are pictures with hashes within
    ``threshold`` bits, or that look alike in small, and that correlate by 0.98 or more once shift,
    scale and rotation are undone.

    Args:
        dataset: name; the one in use where None.
        method: ``phash``, ``dhash``, ``ahash`` or ``whash``.
        threshold: 0 to 14 differing bits of 64.
        keep: which member of a group stays untagged: ``first`` by path, ``largest``,
            ``sharpest``.
        rotations: match rotations by 90 degrees and flips too; cells have no up.

    Raises:
        UsageError: an unknown option value or dataset.
        InputError: the dataset holds no readable sample.
    """
    _check(method, threshold, keep)
    name = dataset_in_use(dataset)
    with opened(name) as hub:
        view = views.originals(hub)
        require_samples(
            view, f"readable samples in {name!r}", f"bccurate import PATH --name {name}"
        )
        decoded, unreadable = ensure_facts(view)
        require_samples(view, f"readable samples in {name!r}", f"bccurate info -d {name}")
        samples = _Samples(views.originals(hub), method)
        found = samples.group(threshold, keep, 8 if rotations else 1)
        changed = _write(hub, samples, found)
        options = {
            "method": method, "threshold": threshold, "keep": keep, "rotations": rotations
        }  # fmt: skip
        record = _record(name, options, samples, found.groups, decoded, unreadable)
        return _finish(hub, record, options, changed + decoded > 0)


def _check(method: str, threshold: int, keep: str) -> None:
    if method not in METHODS:
        raise UsageError(f"Unknown method {method!r}; known: {', '.join(METHODS)}")
    if keep not in KEEP:
        raise UsageError(f"Unknown keep {keep!r}; known: {', '.join(KEEP)}")
    if not 0 <= threshold <= MAX_THRESHOLD:
        raise UsageError(f"threshold is 0 to {MAX_THRESHOLD} bits, not {threshold}")


class _Samples:
    """The columns that grouping reads, sorted by path so that no outcome hangs on the order."""

    def __init__(self, view: Any, method: str) -> None:
        rows = sorted(
            zip(
                *columns(
                    view, "filepath", "id", f"{LABEL_FIELD}.label", "pixelhash", "phash",
                    "thumb", "intensity_std", "sharpness", "metadata.width", "metadata.height",
                ),
                strict=True,
            )
        )  # fmt: skip
        table = [list(column) for column in zip(*rows, strict=True)]
        self.paths, self.ids, self.labels, self.pixelhashes, phashes, thumbs = table[:6]
        stds, self.sharpness, self.widths, self.heights = table[6:]
        self.thumbs = from_text(thumbs)
        self.stds = np.array(stds, dtype=np.float64)
        self.hashes = to_uint64(phashes if method == "phash" else self._hash(method))

    def _hash(self, method: str) -> list[str]:
        paths = track(self.paths, len(self.paths), f"hashing ({method})")
        return [hash_pixels(decode_rgb(path), method) for path in paths]

    def group(self, threshold: int, keep: str, turns: int) -> Found:
        return find_groups(
            self.pixelhashes,
            self.hashes,
            self.stds,
            self.thumbs,
            threshold,
            self._rank(keep),
            turns,
        )

    def _rank(self, keep: str) -> Callable[[int], tuple]:
        ranks: dict[str, Callable[[int], tuple]] = {
            "first": lambda i: (self.paths[i],),
            "largest": lambda i: (-self.widths[i] * self.heights[i], self.paths[i]),
            "sharpest": lambda i: (-self.sharpness[i], self.paths[i]),
        }
        return ranks[keep]


def _write(hub: Any, samples: _Samples, found: Found) -> int:
    n = len(samples.ids)
    group_of: list[int | None] = [None] * n
    keeper_of: list[str | None] = [None] * n
    conflicting: list[str] = []
    for number, group in enumerate(found.groups, start=1):
        for index in group.members:
            group_of[index] = number
        for index in group.members[1:]:
            keeper_of[index] = samples.ids[group.members[0]]
        if len(label_counts([samples.labels[i] for i in group.members])) > 1:
            conflicting += [samples.ids[i] for i in group.members]
    view = views.originals(hub)
    written = set_column(view, "duplicate_group", samples.ids, group_of)
    written += set_column(view, "duplicate_of", samples.ids, keeper_of)
    written += set_column(view, "linked_group", samples.ids, _numbered(found.linked))
    extra = [i for g in found.groups for i in g.members[1:]]
    written += set_tag(view, "duplicate", [samples.ids[i] for i in extra])
    written += set_tag(view, "label_conflict", [*conflicting, *imported_conflicts(hub)])
    return written


def _numbered(linked: list[int]) -> list[int | None]:
    """Numbers of the linked sets of two and more, None for who is alone."""
    counts = Counter(linked)
    number: dict[int, int] = {}
    return [number.setdefault(own, len(number) + 1) if counts[own] > 1 else None for own in linked]


def imported_conflicts(hub: Any) -> list[str]:
    """Ids of paths that came with two labels at import; those stay in conflict."""
    record = runs.load(hub, "import") or {"conflicts": []}
    paths = {conflict["filepath"] for conflict in record["conflicts"]}
    pairs = zip(*columns(views.originals(hub), "id", "filepath"), strict=True)
    return [i for i, path in pairs if path in paths]


def _record(
    name: str,
    options: dict[str, Any],
    samples: _Samples,
    groups: list[Group],
    decoded: int,
    unreadable: list[Unreadable],
) -> DedupeRecord:
    rows = []
    for group in groups:
        labels = label_counts([samples.labels[i] for i in group.members])
        rows.append(
            {
                "kind": group.kind,
                "members": [samples.paths[i] for i in group.members],
                "keep": samples.paths[group.members[0]],
                "labels": labels,
                "conflict": len(labels) > 1,
                "similarity": round(group.similarity, 4),
            }
        )
    counts = {
        "samples": len(samples.ids),
        "groups": len(groups),
        "exact": sum(group.kind == "exact" for group in groups),
        "near": sum(group.kind == "near" for group in groups),
        "duplicates": sum(len(group.members) - 1 for group in groups),
        "conflicts": sum(row["conflict"] for row in rows),
    }
    return DedupeRecord(
        dataset=name,
        **options,
        groups=rows,
        unreadable=[{"filepath": u.filepath, "reason": u.reason} for u in unreadable],
        counts=counts,
        decoded=decoded,
        warnings=_warnings(samples),
    )


def _warnings(samples: _Samples) -> list[str]:
    if len(samples.ids) <= MAX_SEARCHED:
        return []
    return [
        f"over {MAX_SEARCHED:,} samples near duplicates are looked for by hash alone: shifted and "
        "cropped copies are missed (a higher --threshold finds more)"
    ]


def _finish(hub: Any, record: DedupeRecord, options: dict[str, Any], changed: bool) -> DedupeRecord:
    if hub.get_field("duplicate_group") is not None:
        changed |= views.save(hub, "duplicates", views.duplicates(hub))
    changed |= views.save(hub, "deduplicated", views.deduplicated(hub))
    changed |= runs.save(hub, "dedupe", record, options)
    return replace(record, changed=changed)
