"""What commands return: frozen dataclasses that print as text and as JSON.

``str(record)`` is what a person reads, ``record.to_json()`` what ``--json`` prints: one object
with ``"schema": 1``, ``"command"``, ``"dataset"`` and the fields of the record.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, TypeVar

SCHEMA = 1
R = TypeVar("R", bound="Record")


@dataclass(frozen=True)
class Record:
    """Base of all records. ``changed`` is False where there was nothing left to do."""

    command: ClassVar[str] = ""
    dataset: str | None
    changed: bool = field(default=True, kw_only=True)
    warnings: list[str] = field(default_factory=list, kw_only=True)

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary of what ``json.dumps`` takes."""
        return {"schema": SCHEMA, "command": self.command, **asdict(self)}

    @classmethod
    def from_json(cls: type[R], data: dict[str, Any]) -> R:
        """The record that ``to_json`` wrote; keys that are not ours are passed over."""
        names = {f.name for f in fields(cls)}
        return cls(**{key: value for key, value in data.items() if key in names})

    def lines(self) -> list[str]:
        """The text for a person, a line each."""
        return []

    def __str__(self) -> str:
        lines = self.lines() + [f"warning: {warning}" for warning in self.warnings]
        if not self.changed:
            lines.append("Nothing new: all of this was there already.")
        return "\n".join(lines)


def table(rows: list[list[Any]], header: list[str]) -> list[str]:
    """Rows as lines of aligned columns; numbers to the right."""
    cells = [header, *[[_cell(value) for value in row] for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    numeric = [all(isinstance(r[i], int | float | None) for r in rows) for i in range(len(header))]
    return [
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in cells
    ]


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _unreadable_lines(unreadable: list[dict[str, str]], most: int = 5) -> list[str]:
    lines = [f"  unreadable: {row['filepath']}: {row['reason']}" for row in unreadable[:most]]
    if len(unreadable) > most:
        lines.append(f"  … and {len(unreadable) - most} more (--json lists all)")
    return lines


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
        lines += _unreadable_lines(self.unreadable)
        lines += [f"  note: {row['filepath']}: {row['note']}" for row in self.notes[:5]]
        lines += [
            f"  two labels for one path: {row['filepath']}: {', '.join(row['labels'])}"
            for row in self.conflicts[:5]
        ]
        return lines


@dataclass(frozen=True)
class UseRecord(Record):
    """The dataset that commands take where none is named."""

    command: ClassVar[str] = "use"

    def lines(self) -> list[str]:
        return [f"Using {self.dataset}"]


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
class DedupeRecord(Record):
    """Duplicate groups.

    ``groups``: ``[{"kind": "exact"|"near", "members": [filepath], "keep": filepath,
    "labels": {label: n}, "conflict": bool, "similarity": float in [0, 1]}]``, largest first.
    """

    command: ClassVar[str] = "dedupe"
    method: str
    threshold: int
    keep: str
    groups: list[dict[str, Any]]
    unreadable: list[dict[str, str]]
    counts: dict[str, int]

    def lines(self) -> list[str]:
        c = self.counts
        lines = [
            f"{self.dataset}: {c['groups']} duplicate groups in {c['samples']:,} samples "
            f"({c['exact']} exact, {c['near']} near), {c['duplicates']:,} duplicates tagged, "
            f"{c['conflicts']} with labels in conflict, {c['decoded']:,} files decoded"
        ]
        for group in [g for g in self.groups if g["conflict"]][:5]:
            labels = ", ".join(f"{label} {n}" for label, n in group["labels"].items())
            lines.append(f"  conflict: {len(group['members'])} x {group['keep']} ({labels})")
        return lines + _unreadable_lines(self.unreadable)


@dataclass(frozen=True)
class OutliersRecord(Record):
    """Outliers, worst first: ``[{"filepath", "label", "score"}]``, score in [0, 1].

    ``per_class``: label to n, outliers, and centre, spread, low and high of the per-image
    intensity mean and standard deviation, on the 0 to 255 scale.
    """

    command: ClassVar[str] = "outliers"
    alpha: float
    statistic: str
    outliers: list[dict[str, Any]]
    per_class: dict[str, dict[str, Any]]

    def lines(self) -> list[str]:
        rows = [
            [label, c["n"], c["outliers"], c["mean"]["low"], c["mean"]["high"]]
            for label, c in self.per_class.items()
        ]
        head = f"{self.dataset}: {len(self.outliers)} outliers (alpha {self.alpha:g}, "
        return [
            head + f"{self.statistic})",
            *table(rows, ["class", "n", "outliers", "mean low", "mean high"]),
            *[
                f"  {row['score']:.3f} {row['label']}: {row['filepath']}"
                for row in self.outliers[:5]
            ],
        ]


@dataclass(frozen=True)
class SplitRecord(Record):
    """``counts``: split to label to number of samples; ``groups_kept_whole``: duplicate groups."""

    command: ClassVar[str] = "split"
    fractions: dict[str, float]
    seed: int
    counts: dict[str, dict[str, int]]
    groups_kept_whole: int

    def lines(self) -> list[str]:
        labels = sorted({label for counts in self.counts.values() for label in counts})
        rows = [[label, *[c.get(label, 0) for c in self.counts.values()]] for label in labels]
        rows.append(["total", *[sum(c.values()) for c in self.counts.values()]])
        return [
            f"{self.dataset}: split, {self.groups_kept_whole} duplicate groups kept whole",
            *table(rows, ["class", *self.counts]),
        ]


@dataclass(frozen=True)
class AugmentRecord(Record):
    """Variants written beside the dataset as new samples in the saved view ``view``."""

    command: ClassVar[str] = "augment"
    kind: str
    written: int
    already_there: int
    folder: str
    view: str

    def lines(self) -> list[str]:
        return [
            f"{self.dataset}: {self.written:,} {self.kind} variants written, "
            f"{self.already_there:,} there already (view {self.view}, files in {self.folder})"
        ]


def metrics_lines(metrics: dict[str, dict[str, Any]]) -> list[str]:
    """Train, validation and test side by side, as in the paper's Table 2."""
    rows = [
        [
            split,
            m["n"],
            m["accuracy"],
            f"{m['accuracy_interval'][0]:.4f} to {m['accuracy_interval'][1]:.4f}",
            m["macro_f1"],
            m["ece"],
        ]
        for split, m in metrics.items()
    ]
    return table(rows, ["split", "n", "accuracy", "95 % interval", "macro F1", "ECE"])


@dataclass(frozen=True)
class TrainRecord(Record):
    """One training. ``metrics``: split to n, accuracy, macro_f1, ece, ...;
    ``history``: a row an epoch; ``settings``: what repeats the run."""

    command: ClassVar[str] = "train"
    model: str
    settings: dict[str, Any]
    device: str
    weights: str
    best_epoch: int
    history: list[dict[str, Any]]
    images_per_second: float
    metrics: dict[str, dict[str, Any]]

    def lines(self) -> list[str]:
        return [
            f"{self.dataset}: {self.model} trained on {self.device}, best epoch "
            f"{self.best_epoch} of {len(self.history)}, {self.images_per_second:,.0f} images/s",
            *metrics_lines(self.metrics),
            f"weights: {self.weights}",
        ]


@dataclass(frozen=True)
class PredictRecord(Record):
    """Predictions written to the field ``field`` of ``n`` samples."""

    command: ClassVar[str] = "predict"
    model: str
    field: str
    n: int
    images_per_second: float

    def lines(self) -> list[str]:
        return [f"{self.dataset}: {self.n:,} predictions in field {self.field}"]


@dataclass(frozen=True)
class EvaluateRecord(Record):
    """``metrics``: split to n, accuracy, accuracy_interval, macro_f1, ece, per_class, confusion."""

    command: ClassVar[str] = "evaluate"
    model: str
    classes: list[str]
    metrics: dict[str, dict[str, Any]]

    def lines(self) -> list[str]:
        return [f"{self.dataset}: {self.model}", *metrics_lines(self.metrics)]


@dataclass(frozen=True)
class MistakesRecord(Record):
    """Samples that deserve a look, most suspicious first:
    ``[{"filepath", "label", "prediction", "confidence", "mistakenness", "split"}]``."""

    command: ClassVar[str] = "mistakes"
    model: str
    field: str
    view: str
    n: int
    samples: list[dict[str, Any]]

    def lines(self) -> list[str]:
        rows = [
            [s["mistakenness"], s["label"], s["prediction"], s["confidence"], s["filepath"]]
            for s in self.samples[:10]
        ]
        return [
            f"{self.dataset}: {len(self.samples)} of {self.n:,} samples to review "
            f"(view {self.view})",
            *table(rows, ["mistakenness", "label", "predicted", "confidence", "file"]),
        ]


@dataclass(frozen=True)
class ExplainRecord(Record):
    """Grad-CAM maps in the Heatmap field ``field``; ``map_size`` is the layer's own (h, w)."""

    command: ClassVar[str] = "explain"
    model: str
    target: str
    field: str
    layer: str
    map_size: list[int]
    n: int

    def lines(self) -> list[str]:
        height, width = self.map_size
        return [
            f"{self.dataset}: {self.n:,} Grad-CAM maps in field {self.field} "
            f"(layer {self.layer}, {height}x{width}, target {self.target})"
        ]


@dataclass(frozen=True)
class ReviewRecord(Record):
    """Where the App is."""

    command: ClassVar[str] = "review"
    url: str
    view: str | None
    plugins: list[str]

    def lines(self) -> list[str]:
        return [f"The App shows {self.dataset} at {self.url} (Ctrl-C ends it)"]


@dataclass(frozen=True)
class ReportRecord(Record):
    """The report's path and size in bytes."""

    command: ClassVar[str] = "report"
    path: str
    size: int

    def lines(self) -> list[str]:
        return [f"{self.path} ({self.size / 1e6:.1f} MB): open it in any browser"]


@dataclass(frozen=True)
class UndoRecord(Record):
    """The run that was taken back."""

    command: ClassVar[str] = "undo"
    run: str

    def lines(self) -> list[str]:
        return [f"{self.dataset}: {self.run} was taken back"]


@dataclass(frozen=True)
class ModelsRecord(Record):
    """The zoo: ``[{"name", "package", "input_size", "gradcam_layer", "weights", "licence",
    "paper"}]``."""

    command: ClassVar[str] = "models"
    models: list[dict[str, Any]]

    def lines(self) -> list[str]:
        keys = ["name", "input_size", "weights", "licence", "package"]
        rows = [[model[key] for key in keys] for model in self.models]
        return [*table(rows, keys), "and timm:<name> for every model of timm"]


@dataclass(frozen=True)
class DoctorRecord(Record):
    """``checks``: ``[{"name", "ok", "detail", "fix"}]``; ``fix`` is one line to type."""

    command: ClassVar[str] = "doctor"
    checks: list[dict[str, Any]]

    def lines(self) -> list[str]:
        lines = []
        for check in self.checks:
            mark = "ok     " if check["ok"] else "MISSING"
            lines.append(f"{mark} {check['name']}: {check['detail']}")
            if check["fix"]:
                lines.append(f"        {check['fix']}")
        return lines
