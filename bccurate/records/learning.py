"""Records of models: trained, measured, explained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from bccurate.records.base import Record, table
from bccurate.records.robustness import corruption_lines

HEADER = ["split", "n", "accuracy", "95 % interval", "macro F1", "ECE", "ECE scaled"]
ATTENTION = ("n", "attention", "lift", "pointing_game")
MOST_CLASSES = 24  # a wider confusion matrix wraps on a terminal
SPLITS = ("test", "val", "train")  # what says most, first


def metrics_rows(metrics: dict[str, dict[str, Any]]) -> list[list[Any]]:
    """A row a split, as ``HEADER`` names the columns."""
    return [
        [
            split,
            m["n"],
            m["accuracy"],
            _interval(m["accuracy_interval"]),
            m["macro_f1"],
            m["ece"],
            m.get("ece_calibrated"),
        ]
        for split, m in metrics.items()
    ]


def metrics_lines(metrics: dict[str, dict[str, Any]]) -> list[str]:
    """Train, validation and test side by side, as in the paper's Table 2."""
    return table(metrics_rows(metrics), HEADER)


def _interval(interval: list[float] | None) -> str:
    return f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else "-"


@dataclass(frozen=True)
class TrainRecord(Record):
    """One training. ``metrics``: split to n, accuracy, macro_f1, ece, ...;
    ``history``: a row an epoch; ``settings``: what repeats the run; ``model_card``: a path;
    ``held_out``: a checksum of the val and test samples; ``earlier``: this model's last trainings
    on other views (views, settings, held_out, metrics)."""

    command: ClassVar[str] = "train"
    model: str
    settings: dict[str, Any]
    device: str
    weights: str
    best_epoch: int
    history: list[dict[str, Any]]
    images_per_second: float
    metrics: dict[str, dict[str, Any]]
    model_card: str | None = None
    held_out: str | None = None
    earlier: list[dict[str, Any]] = field(default_factory=list)

    def lines(self) -> list[str]:
        return [
            f"{self.dataset}: {self.model} trained on {self.device}, best epoch "
            f"{self.best_epoch} of {len(self.history)}, {self.images_per_second:,.0f} images/s",
            *metrics_lines(self.metrics),
            f"weights: {self.weights}",
            *([f"model card: {self.model_card}"] if self.model_card else []),
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
    """``metrics``: split to n, accuracy, accuracy_interval, macro_f1, ece, ece_calibrated,
    per_class, confusion, reliability, reliability_calibrated; ``temperature``: fitted on val, None
    where there is none; ``model_card``: the path of the Markdown beside the weights;
    ``corruptions``: the ``figures`` of a ``CorruptionsRecord``, None where not asked for."""

    command: ClassVar[str] = "evaluate"
    model: str
    classes: list[str]
    metrics: dict[str, dict[str, Any]]
    temperature: float | None = None
    model_card: str | None = None
    corruptions: dict[str, Any] | None = None

    def lines(self) -> list[str]:
        found = [f"{self.dataset}: {self.model}", *metrics_lines(self.metrics)]
        if self.temperature is not None:
            found.append(f"temperature: {self.temperature:.4f}, fitted on val")
        split = next((split for split in SPLITS if split in self.metrics), None)
        if split:
            found += ["", *_class_lines(self.metrics[split]["per_class"], split)]
            found += ["", *_confusion_lines(self.classes, self.metrics[split]["confusion"], split)]
        if self.corruptions:
            found += ["", *corruption_lines(self.corruptions)]
        return [*found, *([f"model card: {self.model_card}"] if self.model_card else [])]


def _class_lines(per_class: dict[str, dict[str, Any]], split: str) -> list[str]:
    rows = [
        [
            label,
            row["n"],
            row["recall"],
            _interval(row["recall_interval"]),
            row["precision"],
            _interval(row.get("precision_interval")),
            row["f1"],
        ]
        for label, row in per_class.items()
    ]
    between = "95 % interval"
    return table(rows, [f"class ({split})", "n", "recall", between, "precision", between, "F1"])


def _confusion_lines(classes: list[str], counts: list[list[int]], split: str) -> list[str]:
    if len(classes) > MOST_CLASSES:
        return [f"{len(classes)} classes: --json holds the confusion matrix"]
    numbers = [str(number + 1) for number in range(len(classes))]
    names = [f"{number} {label}" for number, label in zip(numbers, classes, strict=True)]
    rows = [[name, *row] for name, row in zip(names, counts, strict=True)]
    return table(rows, [f"true ({split}), predicted across", *numbers])


@dataclass(frozen=True)
class CompareRecord(Record):
    """Models side by side. ``models``: name to metrics (as ``EvaluateRecord``), temperature and
    model_card; ``best``: the best single model by macro F1 on val, None without val;
    ``mcnemar``: ``[{"model", "against", "split", "n", "only_model", "only_against", "p_value"}]``,
    the samples that one of the two alone has right, and the exact two-sided p."""

    command: ClassVar[str] = "evaluate"
    models: dict[str, dict[str, Any]]
    best: str | None
    mcnemar: list[dict[str, Any]]

    def lines(self) -> list[str]:
        rows = [
            [model, *row]
            for model, found in self.models.items()
            for row in metrics_rows(found["metrics"])
        ]
        found = [f"{self.dataset}: {len(self.models)} models", *table(rows, ["model", *HEADER])]
        if self.mcnemar:
            tests = [
                [t["model"], t["split"], t["n"], t["only_model"], t["only_against"], t["p_value"]]
                for t in self.mcnemar
            ]
            header = ["model", "split", "n", "it alone right", f"{self.best} alone right", "p"]
            found += ["", f"McNemar against {self.best}, the best single model on val"]
            found += table(tests, header)
        return found


@dataclass(frozen=True)
class MistakesRecord(Record):
    """Samples that deserve a look, most suspicious first: ``[{"filepath", "label", "prediction",
    "confidence", "mistakenness", "likely_wrong", "split"}]``.

    ``method``: what scored them. ``folds``: of how many models the probabilities are out of fold;
    None where they are of the model itself, which was trained on ``seen`` of the ``n`` samples.
    ``likely_wrong``: how many labels confident learning counts as wrong, with and without a row.
    """

    command: ClassVar[str] = "mistakes"
    model: str
    field: str
    view: str
    n: int
    samples: list[dict[str, Any]]
    method: str = "noise"
    folds: int | None = None
    seen: int = 0
    likely_wrong: int = 0

    def lines(self) -> list[str]:
        rows = [
            [s["mistakenness"], s["label"], s["prediction"], s["confidence"], s["filepath"]]
            for s in self.samples[:10]
        ]
        return [
            f"{self.dataset}: {len(self.samples)} of {self.n:,} samples to review "
            f"(view {self.view})",
            f"{self.likely_wrong:,} labels are likely wrong, by {self._source()}",
            *table(rows, ["mistakenness", "label", "predicted", "confidence", "file"]),
        ]

    def _source(self) -> str:
        if self.folds:
            return f"models of {self.folds} folds, none of which saw the image it judges"
        said = f"the predictions of {self.model}"
        return f"{said}, which saw {self.seen:,} of them (--folds 5: by models that did not)"


@dataclass(frozen=True)
class ExplainRecord(Record):
    """Grad-CAM maps in the Heatmap field ``field``; ``map_size`` is the layer's own (h, w).

    ``attention``: ``[{"split", "label", "n", "attention", "lift", "pointing_game"}]``, split and
    label None for all of them: the mean share of a map's energy that lies on the cell, in [0, 1];
    the median of that share by the cell's share of the picture, 1 for a map that does not know of
    the cell; the share of maps whose maximum is on the cell. None where there are no cell masks.
    """

    command: ClassVar[str] = "explain"
    model: str
    target: str
    field: str
    layer: str
    map_size: list[int]
    n: int
    attention: list[dict[str, Any]] | None = None

    def lines(self) -> list[str]:
        height, width = self.map_size
        head = (
            f"{self.dataset}: {self.n:,} Grad-CAM maps in field {self.field} "
            f"(layer {self.layer}, {height}x{width}, target {self.target})"
        )
        if self.attention is None:
            return [head, "attention on the cell: `bccurate background`, then this again, tells it"]
        there = {row["split"] for row in self.attention if row["split"]}
        best = next((split for split in SPLITS if split in there), None)
        rows = [
            [row["split"] or "all", row["label"] or "all", *(row[key] for key in ATTENTION)]
            for row in self.attention
            if row["label"] is None or row["split"] == best
        ]
        return [head, *table(rows, ["split", "class", "n", "on cell", "lift", "pointing game"])]
