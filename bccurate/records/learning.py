"""Records of models: trained, measured, explained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from bccurate.records.base import Record, table


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
