"""Records of what curates the samples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from bccurate.records.base import Record, table, unreadable_lines


@dataclass(frozen=True)
class SampleRecord(Record):
    """Rendered images. ``truth`` is the path of the file that tells what was planted."""

    command: ClassVar[str] = "sample"
    folder: str
    truth: str
    n: int
    planted: dict[str, int]

    def lines(self) -> list[str]:
        planted = ", ".join(f"{n} {kind}" for kind, n in self.planted.items())
        return [f"{self.n} images in {self.folder} (planted: {planted}; truth in {self.truth})"]


@dataclass(frozen=True)
class ImportRecord(Record):
    """What came in. ``notes`` are files that decode but are not what they seem."""

    command: ClassVar[str] = "import"
    source: str
    format: str
    added: int
    already_there: int
    total: int
    class_counts: dict[str, int]
    unreadable: list[dict[str, str]]
    notes: list[dict[str, str]]
    conflicts: list[dict[str, Any]]

    def lines(self) -> list[str]:
        rows = [[label, n] for label, n in self.class_counts.items()]
        lines = [f"{self.dataset}: {self.added:,} added, {self.already_there:,} there already"]
        lines += table([*rows, ["total", self.total]], ["class", "images"])
        lines += unreadable_lines(self.unreadable)
        lines += [f"  note: {row['filepath']}: {row['note']}" for row in self.notes[:5]]
        lines += [
            f"  two labels for one path: {row['filepath']}: {', '.join(row['labels'])}"
            for row in self.conflicts[:5]
        ]
        return lines


@dataclass(frozen=True)
class ExportRecord(Record):
    """What went out. ``skipped``: ``[{"filepath", "reason"}]``; ``altered``: files whose bytes are
    no longer those that were imported."""

    command: ClassVar[str] = "export"
    path: str
    format: str
    view: str | None
    exported: int
    skipped: list[dict[str, str]]
    altered: list[str]

    def lines(self) -> list[str]:
        lines = [f"{self.path}: {self.exported:,} samples as {self.format}"]
        lines += [f"  left out: {row['filepath']}: {row['reason']}" for row in self.skipped[:5]]
        if len(self.skipped) > 5:
            lines.append(f"  … and {len(self.skipped) - 5} more (--json lists all)")
        lines += [f"  changed since its import: {path}" for path in self.altered[:5]]
        return lines


@dataclass(frozen=True)
class UseRecord(Record):
    """The dataset that commands take where none is named."""

    command: ClassVar[str] = "use"
    label_field: str = "ground_truth"

    def lines(self) -> list[str]:
        return [f"Using {self.dataset}, labels from {self.label_field}"]


@dataclass(frozen=True)
class InfoRecord(Record):
    """Table 1 of the paper and what was run.

    ``classes``: a row a label with its counts; ``sizes``: ``"WxH"`` to count.
    """

    command: ClassVar[str] = "info"
    n: int
    classes: list[dict[str, Any]]
    sizes: dict[str, int]
    views: list[str]
    runs: list[dict[str, Any]]

    def lines(self) -> list[str]:
        header = list(self.classes[0]) if self.classes else ["label"]
        lines = [f"{self.dataset}: {self.n:,} samples"]
        lines += table([list(row.values()) for row in self.classes], header)
        lines.append("sizes: " + ", ".join(f"{size} ({n:,})" for size, n in self.sizes.items()))
        lines.append("views: " + (", ".join(self.views) or "none"))
        lines.append("runs:  " + (", ".join(run["run"] for run in self.runs) or "none"))
        return lines


@dataclass(frozen=True)
class OutliersRecord(Record):
    """Outliers, worst first, and the bounds of their classes.

    ``outliers``: ``[{"filepath", "label", "score" in [0, 1], "outlier": True, "equation":
    "mean"|"std", "mean", "std", "low", "high"}]``: the image's own two statistics, and the bounds
    of the one that ``equation`` names, all 0 to 255.
    ``per_class``: label to n, outliers, the alpha used, and under mean and std the centre, spread,
    low and high of that statistic.
    ``embedding``: None, or ``{"model", "k", "outliers": [{"filepath", "label", "score", "outlier",
    "distance" in [0, 2]}]}``. ``plot``: the file that was written, or None. ``view``: the saved
    view that was looked at, None for all samples.
    """

    command: ClassVar[str] = "outliers"
    alpha: float
    statistic: str
    outliers: list[dict[str, Any]]
    per_class: dict[str, dict[str, Any]]
    false_alarms: float = field(default=0.0, kw_only=True)
    embedding: dict[str, Any] | None = field(default=None, kw_only=True)
    plot: str | None = field(default=None, kw_only=True)
    view: str | None = field(default=None, kw_only=True)

    def lines(self) -> list[str]:
        rows = [
            [label, c["n"], c["outliers"], c["alpha"], _range(c["mean"]), _range(c["std"])]
            for label, c in self.per_class.items()
        ]
        head = f"{self.dataset}: {len(self.outliers)} outliers (alpha {self.alpha:g} or more, "
        lines = [
            head + f"{self.statistic})",
            *table(rows, ["class", "n", "outliers", "alpha", "mean", "deviation"]),
            *[
                f"  {row['score']:.3f} {row['label']}: {row['equation']} "
                f"{row[row['equation']]:.1f}, allowed {_range(row)}: {row['filepath']}"
                for row in self.outliers[:5]
            ],
        ]
        if self.embedding:
            found = self.embedding["outliers"]
            lines.append(f"{len(found)} outliers by embedding ({self.embedding['model']})")
            lines += [f"  {r['score']:.3f} {r['label']}: {r['filepath']}" for r in found[:5]]
        return lines + ([f"plot: {self.plot}"] if self.plot else [])


def _range(bounds: dict[str, float]) -> str:
    return f"{bounds['low']:.1f} to {bounds['high']:.1f}"


@dataclass(frozen=True)
class SplitRecord(Record):
    """``counts``: split to label to number of samples; ``groups_kept_whole``: duplicate groups.
    ``folds``: the same counts by fold, ``"0"`` to ``"K-1"``; empty where none were asked for."""

    command: ClassVar[str] = "split"
    fractions: dict[str, float]
    seed: int
    counts: dict[str, dict[str, int]]
    groups_kept_whole: int
    folds: dict[str, dict[str, int]] = field(default_factory=dict, kw_only=True)

    def lines(self) -> list[str]:
        parts = self.counts | {f"fold {number}": counts for number, counts in self.folds.items()}
        labels = sorted({label for counts in parts.values() for label in counts})
        rows = [[label, *[c.get(label, 0) for c in parts.values()]] for label in labels]
        rows.append(["total", *[sum(c.values()) for c in parts.values()]])
        return [
            f"{self.dataset}: split, {self.groups_kept_whole} duplicate groups kept whole",
            *table(rows, ["class", *parts]),
        ]


@dataclass(frozen=True)
class LeaksRecord(Record):
    """Groups that cross splits, largest first:
    ``[{"field", "group", "splits": [split], "members": [filepath]}]``; ``n`` samples leak.

    ``field`` is ``duplicate_group``, else ``linked_group`` (a chain of near pairs), else
    ``pixelhash`` (equal pixels that came after ``dedupe``), or the field that was asked for.
    ``view``: the saved view that was looked at, None for all samples."""

    command: ClassVar[str] = "leaks"
    leaks: list[dict[str, Any]]
    n: int
    view: str | None = field(default=None, kw_only=True)

    def lines(self) -> list[str]:
        rows = [
            f"  {row['field']} {row['group']}: {len(row['members'])} samples in "
            f"{', '.join(row['splits'])}: {row['members'][0]}"
            for row in self.leaks[:10]
        ]
        return [f"{self.dataset}: {len(self.leaks)} groups cross splits ({self.n} samples)", *rows]


@dataclass(frozen=True)
class UndoRecord(Record):
    """The run that was taken back."""

    command: ClassVar[str] = "undo"
    run: str

    def lines(self) -> list[str]:
        return [f"{self.dataset}: {self.run} was taken back"]
