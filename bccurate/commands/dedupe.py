"""``bccurate dedupe``: exact and near duplicates, one keeper each, what is wrong with them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from bccurate.commands.leaks import retag_leaks
from bccurate.duplicates.contamination import MIN_EXCESS, MIN_LABELS, Judgement, judge
from bccurate.duplicates.dihedral import TURNS
from bccurate.duplicates.engine import Engine, connected
from bccurate.duplicates.groups import KEEP, Found, Group, find_groups, keeper_rank
from bccurate.duplicates.pair_search import from_text
from bccurate.duplicates.pairs import MAX_SEARCHED
from bccurate.errors import UsageError
from bccurate.hub import runs, views
from bccurate.hub.open import opened
from bccurate.hub.read import columns, label_path, require_samples
from bccurate.hub.review_tags import set_curation_tag
from bccurate.hub.samples import ensure_hash, ensure_image_stats
from bccurate.hub.write import set_column
from bccurate.images.hashing import METHODS, to_uint64
from bccurate.records import DedupeRecord
from bccurate.settings import dataset_in_use

MAX_THRESHOLD = 14


def dedupe(
    dataset: str | None = None,
    method: str = "phash",
    threshold: int = 4,
    keep: str = "first",
    rotations: bool = False,
    engine: str = "local",
    ray_address: str = "auto",
    view: str | None = None,
) -> DedupeRecord:
    """Tag every duplicate but one of each group; nothing is removed.

    Exact duplicates have equal decoded pixels. Near duplicates are pictures with hashes within
    ``threshold`` bits, or that look alike in small, and that correlate by 0.98 or more once shift,
    scale and rotation are undone. Groups under three labels or more, and pictures repeated far
    beyond the habit of their class, are tagged ``contamination``, the kept one too; duplicates in
    more than one split are tagged ``leak``.

    Args:
        dataset: name; the one in use where None.
        method: ``phash``, ``dhash``, ``ahash`` or ``whash``.
        threshold: 0 to 14 differing bits of 64.
        keep: which member of a group stays untagged: ``first`` by path, ``largest``,
            ``sharpest``.
        rotations: match rotations by 90 degrees and flips too; cells have no up.
        engine: ``local``, or ``ray`` to read and match on a Ray cluster that runs; same outcome.
        ray_address: ``HOST:PORT`` of it; ``auto`` is RAY_ADDRESS, else the one on this machine.
        view: a saved view, alone looked at; the samples outside it then are in no group.

    Raises:
        UsageError: an unknown option value, view or dataset, or no Ray or no cluster of it.
        InputError: the dataset holds no readable sample.
    """
    _check(method, threshold, keep)
    options: dict[str, Any] = {
        "method": method, "threshold": threshold, "keep": keep, "rotations": rotations
    }  # fmt: skip
    options |= {"view": view} if view else {}
    name = dataset_in_use(dataset)
    with connected(engine, ray_address) as crew, opened(name, write=True) as hub:
        chosen = views.looked_at(hub, view)
        require_samples(
            chosen, f"readable samples in {name!r}", f"bccurate import PATH --name {name}"
        )
        decoded, unreadable = ensure_image_stats(chosen, crew.read)
        chosen = chosen.match_tags("unreadable", bool=False)
        decoded += ensure_hash(chosen, method)
        require_samples(chosen, f"readable samples in {name!r}", f"bccurate info -d {name}")
        samples = _Samples(chosen, method)
        found = samples.group(threshold, keep, 8 if rotations else 1, crew)
        judgements = judge(found.groups, samples.labels, samples.pixelhashes)
        changed = _write(hub, samples, found, judgements) + decoded > 0
        leaks, retagged = retag_leaks(hub)
        record = DedupeRecord(
            dataset=name,
            **options,
            groups=[
                _row(group, judgement, samples.paths)
                for group, judgement in zip(found.groups, judgements, strict=True)
            ],
            unreadable=[{"filepath": u.filepath, "reason": u.reason} for u in unreadable],
            counts=_counts(found.groups, judgements, len(samples.ids), len(leaks.rows)),
            decoded=decoded,
        )
        record.warnings.extend(_warnings(record))
        return _finish(hub, record, options, changed | retagged)


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
                    view, "filepath", "id", label_path(view), "pixelhash", method,
                    "thumb", "intensity_std", "sharpness", "metadata.width", "metadata.height",
                ),
                strict=True,
            )
        )  # fmt: skip
        table = [list(column) for column in zip(*rows, strict=True)]
        self.paths, self.ids, self.labels, self.pixelhashes, hashes, thumbs = table[:6]
        stds, self.sharpness, widths, heights = table[6:]
        self.areas = [width * height for width, height in zip(widths, heights, strict=True)]
        self.thumbs = from_text(thumbs)
        self.stds = np.array(stds, dtype=np.float64)
        self.hashes = to_uint64(hashes)

    def group(self, threshold: int, keep: str, turns: int, engine: Engine) -> Found:
        rank = keeper_rank(keep, self.paths, self.areas, self.sharpness)
        return find_groups(
            self.pixelhashes, self.hashes, self.stds, self.thumbs, threshold, rank, turns, engine
        )


def _write(hub: Any, samples: _Samples, found: Found, judgements: list[Judgement]) -> int:
    group_of: dict[str, int] = {}
    keeper_of: dict[str, str] = {}
    tagged: dict[str, list[str]] = {
        "duplicate": [], "label_conflict": imported_conflicts(hub), "contamination": []
    }  # fmt: skip
    for number, (group, judgement) in enumerate(zip(found.groups, judgements, strict=True), 1):
        ids = [samples.ids[i] for i in group.members]
        group_of |= dict.fromkeys(ids, number)
        keeper_of |= dict.fromkeys(ids[1:], ids[0])
        tagged["duplicate"] += ids[1:]
        tagged["label_conflict"] += ids if judgement.conflict else []
        tagged["contamination"] += ids if judgement.contamination else []
    linked = dict(zip(samples.ids, _numbered(found.linked), strict=True))
    view = views.originals(hub)
    every = view.values("id")  # also those outside a view: what an earlier call found goes
    written = set_column(view, "duplicate_group", every, [group_of.get(i) for i in every])
    written += set_column(view, "duplicate_of", every, [keeper_of.get(i) for i in every])
    written += set_column(view, "linked_group", every, [linked.get(i) for i in every])
    return written + sum(set_curation_tag(view, tag, ids) for tag, ids in tagged.items())


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


def _row(group: Group, judgement: Judgement, paths: list[str]) -> dict[str, Any]:
    return {
        "kind": group.kind,
        "members": [paths[i] for i in group.members],
        "keep": paths[group.members[0]],
        "labels": judgement.labels,
        "conflict": judgement.conflict,
        "contamination": judgement.contamination,
        "similarity": round(group.similarity, 4),
        "pairs": [
            {
                "members": [paths[link.a], paths[link.b]],
                "distance": link.distance,
                "similarity": link.similarity,
                "turn": TURNS[link.turn],
                "why": link.why,
            }
            for link in group.links
        ],
    }


def _counts(
    groups: list[Group], judgements: list[Judgement], samples: int, leaks: int
) -> dict[str, int]:
    return {
        "samples": samples,
        "groups": len(groups),
        "exact": sum(group.kind == "exact" for group in groups),
        "near": sum(group.kind == "near" for group in groups),
        "duplicates": sum(len(group.members) - 1 for group in groups),
        "conflicts": sum(judgement.conflict for judgement in judgements),
        "contaminated": sum(judgement.contamination for judgement in judgements),
        "leaks": leaks,
    }


def _warnings(record: DedupeRecord) -> list[str]:
    warnings = []
    if record.view:
        warnings.append(f"looked at the view {record.view} alone: no sample outside it is tagged")
    if record.counts["contaminated"]:
        n = sum(len(group["members"]) for group in record.groups if group["contamination"])
        warnings.append(
            f"{n:,} samples are contamination: one picture under {MIN_LABELS} labels or more, or "
            f"{MIN_EXCESS} times as often in its class as other pictures; the view clean has none "
            "of them, not even the one that is kept"
        )
    if record.counts["leaks"]:
        warnings.append(
            f"{record.counts['leaks']} groups cross splits and are tagged leak: "
            f"bccurate leaks -d {record.dataset}"
        )
    if record.counts["samples"] > MAX_SEARCHED:
        warnings.append(
            f"over {MAX_SEARCHED:,} samples near duplicates are looked for by hash alone: shifted "
            "and cropped copies are missed (a higher --threshold finds more)"
        )
    return warnings


def _finish(hub: Any, record: DedupeRecord, options: dict[str, Any], changed: bool) -> DedupeRecord:
    if hub.get_field("duplicate_group") is not None:
        changed |= views.save(hub, "duplicates", views.duplicates(hub))
    changed |= views.save(hub, "deduplicated", views.deduplicated(hub))
    changed |= runs.save(hub, "dedupe", record, options)
    return replace(record, changed=changed)
