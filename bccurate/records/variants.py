"""Records of what makes variants of the samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from bccurate.records.base import Record, table


@dataclass(frozen=True)
class AugmentRecord(Record):
    """Variants written beside the dataset as new samples in the saved view ``view``.

    ``fidelity``: how far a sample of all variants is from its sources, see
    ``workflows.fidelity.measure_fidelity``; None without variants and in older records.
    """

    command: ClassVar[str] = "augment"
    kind: str
    written: int
    already_there: int
    folder: str
    view: str
    fidelity: dict[str, Any] | None = None

    def lines(self) -> list[str]:
        return [
            f"{self.dataset}: {self.written:,} {self.kind} variants written, "
            f"{self.already_there:,} there already (view {self.view}, files in {self.folder})",
            *(fidelity_lines(self.fidelity) if self.fidelity else []),
        ]


def fidelity_lines(fidelity: dict[str, Any]) -> list[str]:
    """A row a class: movement in spreads of the class, the share of outliers, the accuracy."""
    header = ["class", "n", "mean", "deviation", "colour", "Delta E", "embedding", "outliers",
              "accuracy"]  # fmt: skip
    keys = ("n", "intensity_mean", "intensity_std", "colour", "delta_e", "embedding", "rejected")
    rows = [
        [label, row["n"], *(_two(row[key]) for key in keys[1:]), _fall(row)]
        for label, row in fidelity["classes"].items()
    ]
    model = fidelity["model"] or "no model that was trained on clean images alone"
    return [
        f"from their sources, in spreads of the class (embedding and accuracy by {model}):",
        *table(rows, header),
    ]


def _two(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _fall(row: dict[str, Any]) -> str:
    if row["accuracy"] is None:
        return "-"
    return f"{row['accuracy_sources']:.2f} to {row['accuracy']:.2f}"


@dataclass(frozen=True)
class BackgroundRecord(Record):
    """Cell masks in the Segmentation field ``field`` of ``n`` samples, and training variants.

    ``per_class``: label to n, area (the median share of the picture, in [0, 1]) and empty;
    ``empty``: the paths on which no cell was found; ``colour``: RGB, what the variants' background
    is filled with, None where there is no training sample yet.
    """

    command: ClassVar[str] = "background"
    method: str
    field: str
    n: int
    per_class: dict[str, dict[str, Any]]
    empty: list[str]
    colour: list[int] | None
    written: int
    already_there: int
    folder: str
    view: str

    def lines(self) -> list[str]:
        rows = [[label, c["n"], c["area"], c["empty"]] for label, c in self.per_class.items()]
        lines = [
            f"{self.dataset}: {self.n:,} cell masks in field {self.field} ({self.method})",
            *table(rows, ["class", "masks", "median area", "empty"]),
            *[f"  no cell found: {path}" for path in self.empty[:5]],
        ]
        if self.colour is None:
            hint = "`bccurate split`, then this again, makes them"
            return [*lines, f"no variants: no training sample has a mask yet ({hint})"]
        return [
            *lines,
            f"{self.written:,} variants without background written, {self.already_there:,} there "
            f"already (view {self.view}, files in {self.folder})",
        ]
