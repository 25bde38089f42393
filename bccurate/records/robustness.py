"""Records of models on corrupted images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from bccurate.records.base import Record, table


@dataclass(frozen=True)
class CorruptionsRecord(Record):
    """``figures``: what ``bccurate.evaluation.robustness.robustness`` returns, with ``split`` and
    ``limit``, the most images of a class, None for all."""

    command: ClassVar[str] = "corruptions"
    model: str
    figures: dict[str, Any]

    def lines(self) -> list[str]:
        return [f"{self.dataset}: {self.model}", *corruption_lines(self.figures)]


def corruption_lines(figures: dict[str, Any]) -> list[str]:
    """Accuracy of each corruption and family at each severity, and what they come to."""
    severities = [str(severity) for severity in figures["severities"]]
    rows = []
    for family, found in figures["families"].items():
        members = [(k, v) for k, v in figures["corruptions"].items() if v["family"] == family]
        rows += [_cells("  " + name, row) for name, row in members]
        rows.append(_cells(family, found))
    if figures.get("combined"):
        rows.append(_cells("three at once", figures["combined"]))
    header = ["accuracy at severity", *severities, "mean", "95 % interval"]
    n, clean = figures["n"], figures["accuracy"]
    return [
        f"corrupted {figures['split']} images (n = {n:,} a cell of the table)",
        *table(rows, header),
        f"clean {clean:.4f} ({_interval(figures['interval'])}), corrupted "
        f"{figures['corrupted_accuracy']:.4f} ({_interval(figures['corrupted_interval'])}), "
        f"mean corruption error {figures['mean_corruption_error']:.4f}, gap {figures['gap']:.4f}",
    ]


def _cells(name: str, row: dict[str, Any]) -> list[Any]:
    shares = [cell["accuracy"] for cell in row["severities"]]
    return [name, *shares, row["accuracy"], _interval(row["interval"])]


def _interval(interval: list[float]) -> str:
    return f"{interval[0]:.4f} to {interval[1]:.4f}"
