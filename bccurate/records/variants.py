"""Records of what makes variants of the samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from bccurate.records.base import Record, table


@dataclass(frozen=True)
class AugmentRecord(Record):
    """Variants written beside the dataset as new samples in the saved view ``view``.

    ``fidelity``: whether a sample of the variants keeps its class, see
    ``workflows.fidelity.measure_fidelity``; None without variants and where it was not measured.
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
    """Return a sentence on all variants, and a row a class."""
    header = ["class", "n", "rejected", "accuracy on sources", "on variants"]
    rows = [
        [label, row["n"], _percent(row["rejected"]), _two(row["accuracy_sources"]),
         _two(row["accuracy"])]
        for label, row in fidelity["classes"].items()
    ]  # fmt: skip
    return [fidelity_sentence(fidelity), *table(rows, header)]


def fidelity_sentence(fidelity: dict[str, Any]) -> str:
    """Return what was measured of all variants, in a sentence."""
    rows = list(fidelity["classes"].values())
    n = sum(row["n"] for row in rows)

    def mean(name: str) -> float:
        return sum(row["n"] * row[name] for row in rows) / n

    text = (
        f"of {n:,} variants (noise {fidelity['noise']:g}, magnitude {fidelity['magnitude']:g}) the "
        f"outlier rule rejects {mean('rejected'):.0%}"
    )
    if any(row["accuracy"] is None for row in rows):
        return f"{text}; accuracy needs a model trained on clean images alone"
    return (
        f"{text}; {fidelity['model']}, which has seen no variant, names {mean('accuracy'):.0%} of "
        f"them rightly and {mean('accuracy_sources'):.0%} of their sources (training images)"
    )


def _percent(value: float) -> str:
    return f"{value:.0%}"


def _two(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


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
