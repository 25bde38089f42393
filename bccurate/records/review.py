"""What people decided, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from bccurate.records.base import Record

SHOWN = 10


@dataclass(frozen=True)
class ApplyReviewRecord(Record):
    """The decisions in force, by path: ``[{"filepath", "decision": "relabel:<class>"|"keep"|
    "drop", "label", "label_before": str or None where it was the same, "lifted": curation tags
    taken off, "by", "at": ISO 8601 in UTC, or None where a tag was given by hand}]``.

    ``earlier``: decisions that were in force once and are no more; ``counts``: decisions by kind,
    and ``labels_changed`` of them."""

    command: ClassVar[str] = "apply-review"
    decisions: list[dict[str, Any]]
    counts: dict[str, int]
    earlier: list[dict[str, Any]] = field(default_factory=list, kw_only=True)

    def lines(self) -> list[str]:
        c = self.counts
        return [
            f"{self.dataset}: {c['relabel']:,} relabel ({c['labels_changed']:,} to another class), "
            f"{c['keep']:,} keep, {c['drop']:,} drop",
            *[f"  {_words(row)}" for row in self.decisions[:SHOWN]],
            *([f"  … and {n:,} more"] if (n := len(self.decisions) - SHOWN) > 0 else []),
        ]


def _words(row: dict[str, Any]) -> str:
    said = row["decision"]
    if row["label_before"] is not None:
        said += f" (was {row['label_before'] or 'not labelled'})"
    if row["lifted"]:
        said += f" (in spite of {', '.join(row['lifted'])})"
    by = f", {row['by']} {row['at']}" if row["by"] and row["at"] else ""
    return f"{said}: {row['filepath']}{by}"
