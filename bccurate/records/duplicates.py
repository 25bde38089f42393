"""The record of ``dedupe``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from bccurate.records.base import Record, unreadable_lines


@dataclass(frozen=True)
class DedupeRecord(Record):
    """Duplicate groups.

    ``groups``: ``[{"kind": "exact"|"near", "members": [filepath], "keep": filepath,
    "labels": {label: n}, "conflict": bool, "contamination": bool, "similarity": float in [0, 1],
    "pairs": [...]}]``, largest first. ``pairs`` tell how the members came together, one fewer
    than members: ``{"members": [filepath, filepath], "distance": bits, "similarity": float,
    "turn": the rotation or flip that maps the second onto the first, "why": str}``. ``view``: the
    saved view that was searched, None for all samples. ``source``: the folder or CSV that was
    searched where there is no dataset.
    """

    command: ClassVar[str] = "dedupe"
    method: str
    threshold: int
    keep: str
    groups: list[dict[str, Any]]
    unreadable: list[dict[str, str]]
    counts: dict[str, int]
    rotations: bool = field(default=False, kw_only=True)
    decoded: int = field(default=0, kw_only=True)
    view: str | None = field(default=None, kw_only=True)
    source: str | None = field(default=None, kw_only=True)

    def lines(self) -> list[str]:
        c = self.counts
        if self.source is not None:
            return self._file_lines()
        lines = [
            f"{self.dataset}: {c['groups']} duplicate groups in {c['samples']:,} samples "
            f"({c['exact']} exact, {c['near']} near), {c['duplicates']:,} duplicates tagged, "
            f"{c['conflicts']} with labels in conflict, {c.get('contaminated', 0)} contaminated, "
            f"{self.decoded:,} files decoded"
        ]
        for kind in ("contamination", "conflict"):
            for group in [g for g in self.groups if _gravest(g) == kind][:5]:
                labels = ", ".join(f"{label} {n}" for label, n in group["labels"].items())
                lines.append(f"  {kind}: {len(group['members']):,} x {group['keep']} ({labels})")
        return lines + unreadable_lines(self.unreadable)

    def _file_lines(self) -> list[str]:
        """Return the text of files without a dataset: all groups, since no App shows them."""
        c = self.counts
        head = (
            f"{self.source}: {c['groups']} duplicate groups in {c['samples']:,} images "
            f"({c['exact']} exact, {c['near']} near), {c['duplicates']:,} duplicates, "
            f"{c['conflicts']} with labels in conflict, {c['contaminated']} contaminated, "
            f"{len(self.unreadable)} unreadable files"
        )
        groups = [
            line
            for number, group in enumerate(self.groups, 1)
            for line in _group_lines(number, group)
        ]
        return [head, *groups, *unreadable_lines(self.unreadable)]


def _group_lines(number: int, group: dict[str, Any]) -> list[str]:
    notes = [kind for kind in ("contamination", "conflict") if group[kind]]
    labels = ", ".join(f"{label} {n}" for label, n in group["labels"].items())
    what = f"{group['kind']}, {len(group['members'])} images" + (f" ({labels})" if labels else "")
    why = reasons(group)
    copies = [f"  duplicate  {path}: {why[path]['why']}" for path in group["members"][1:]]
    return [f"{number}. {', '.join([what, *notes])}", f"  keep       {group['keep']}", *copies]


def reasons(group: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return for each member but the keeper ``similarity`` and ``why``, and the path it matches.

    The pairs of a group form a tree; each member has the pair that leads to the keeper.

    Args:
        group: of ``DedupeRecord``.
    """
    beside: dict[str, list[dict[str, Any]]] = {}
    for pair in group["pairs"]:
        for path in pair["members"]:
            beside.setdefault(path, []).append(pair)
    found: dict[str, dict[str, Any]] = {}
    reached = [group["keep"]]
    for path in reached:  # grows while it is read
        for pair in beside.get(path, []):
            (other,) = {*pair["members"]} - {path}
            if other not in found and other != group["keep"]:
                found[other] = {
                    "similarity": pair["similarity"], "why": pair["why"], "matches": path
                }  # fmt: skip
                reached.append(other)
    return found


def _gravest(group: dict[str, Any]) -> str | None:
    """What is worst about a duplicate group."""
    return next((kind for kind in ("contamination", "conflict") if group.get(kind)), None)
