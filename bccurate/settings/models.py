"""Options of the commands that use a trained model."""

from __future__ import annotations

from dataclasses import dataclass

from bccurate.settings import shared
from bccurate.settings.option import Options, option
from bccurate.settings.vocabulary import MISTAKE_METHODS, SEVERITIES


@dataclass(frozen=True)
class PredictOptions(Options):
    """Options of ``predict``."""

    model: str = shared.model()
    dataset: str | None = shared.dataset()
    batch_size: int = shared.batch_size()
    device: str = shared.device()
    zoo: str | None = shared.zoo()


@dataclass(frozen=True)
class EvaluateOptions(Options):
    """Options of ``evaluate``."""

    model: str = shared.model()
    dataset: str | None = shared.dataset()
    zoo: str | None = shared.zoo()
    corruptions: bool = option(
        False, help="Also measure corrupted copies of the test samples; takes one MODEL."
    )
    severities: tuple[int, ...] = option(
        SEVERITIES, help="Severities of the corruptions.", choices=(), minimum=1, maximum=5,
        separated=True,
    )  # fmt: skip
    limit: int | None = option(
        help="Corrupt at most N samples of a class.", minimum=1, metavar="N", shows="all"
    )
    view: str | None = shared.view()


@dataclass(frozen=True)
class MistakesOptions(Options):
    """Options of ``mistakes``."""

    model: str = shared.model()
    dataset: str | None = shared.dataset()
    zoo: str | None = shared.zoo()
    folds: int | None = option(
        help="Judge each image by a model trained without it: K trainings, kept for later calls.",
        minimum=2,
        metavar="K",
    )
    method: str = option(
        "noise",
        help="A fitted noise model, confident learning's two scores, or FiftyOne Brain's.",
        choices=MISTAKE_METHODS,
    )


@dataclass(frozen=True)
class ExplainOptions(Options):
    """Options of ``explain``."""

    model: str = shared.model()
    dataset: str | None = shared.dataset()
    target: str = option("predicted", help="predicted, true or a class name.")
    view: str | None = shared.view()
    batch_size: int = shared.batch_size()
    device: str = shared.device()
    zoo: str | None = shared.zoo()
    raw: bool = option(
        False,
        help="Also keep the layer's own maps, before ReLU and scaling: field gradcam_raw_MODEL.",
    )


@dataclass(frozen=True)
class ExportOnnxOptions(Options):
    """Options of ``export-onnx``."""

    model: str = shared.model()
    dataset: str | None = shared.dataset()
    out: str | None = option(
        help="The file.", path="file", metavar="FILE", shows="MODEL.onnx in the current folder"
    )
    zoo: str | None = shared.zoo()
