"""Records of what shows and checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from bccurate.records.base import Record, table


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
class OnnxRecord(Record):
    """An ONNX file. ``difference``: of ONNX Runtime from torch, as a share of the largest logit;
    None where the file was there already."""

    command: ClassVar[str] = "export-onnx"
    model: str
    path: str
    classes: list[str]
    image_size: int
    difference: float | None = field(default=None, kw_only=True)

    def lines(self) -> list[str]:
        size = self.image_size
        lines = [f"{self.path}: {self.model}, {len(self.classes)} classes, {size}x{size} pixels"]
        if self.difference is not None:
            lines.append(f"ONNX Runtime answers as torch does, to {self.difference:.1e}")
        return lines


@dataclass(frozen=True)
class ModelsRecord(Record):
    """The zoo: ``[{"name", "package", "parameters", "input_size", "inputs", "gradcam_layer",
    "weights", "licence", "paper"}]``; parameters with 1000 classes, as papers count them."""

    command: ClassVar[str] = "models"
    models: list[dict[str, Any]]

    def lines(self) -> list[str]:
        head = ["name", "parameters", "pixels", "weights", "licence", "package"]
        rows = [_model_row(model) for model in self.models]
        return [*table(rows, head), "and timm:<name> for any model of timm"]


def _model_row(model: dict[str, Any]) -> list[Any]:
    return [
        model["name"],
        model["parameters"],
        model["input_size"] or None,
        (model["weights"] or "-").rpartition("/")[2],  # a name on the hub, or an address
        model["licence"],
        model["package"],
    ]


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
