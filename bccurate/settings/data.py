"""Options of the commands that bring samples in and out, show them, and undo."""

from __future__ import annotations

from dataclasses import dataclass

from bccurate.settings import shared
from bccurate.settings.option import Options, option
from bccurate.settings.vocabulary import (
    BLOODMNIST_SIZES,
    EXPORT_FORMATS,
    IMPORT_FORMATS,
    VARIANTS,
)


@dataclass(frozen=True)
class SampleOptions(Options):
    """Options of ``sample``."""

    folder: str = option(help="Where the images go.", argument=True, path="folder")
    n: int = option(400, help="Number of images.", minimum=16, maximum=1_000_000)
    seed: int = shared.seed()
    size: int = option(96, help="Side of the images in pixels.", minimum=32, maximum=512)


@dataclass(frozen=True)
class ImportOptions(Options):
    """Options of ``import``."""

    path: str = option(help="A folder, csv, npz, tar or zip.", argument=True, path="any")
    name: str | None = option(help="Dataset name; bloodmnist needs none.")
    format: str = option("auto", help="Layout of the files.", choices=IMPORT_FORMATS)
    size: int = option(
        28, help="Of bloodmnist: side of the images in pixels.", choices=BLOODMNIST_SIZES
    )


@dataclass(frozen=True)
class UseOptions(Options):
    """Options of ``use``."""

    name: str = option(help="Dataset name.", argument=True, completes="dataset")
    label_field: str | None = option(
        help="The Classification field that holds the labels, for all commands; stored with the "
        "dataset.",
        metavar="FIELD",
        shows="ground_truth, or the only one there is",
    )


@dataclass(frozen=True)
class DatasetOptions(Options):
    """Options of ``info`` and ``apply-review``: the dataset alone."""

    dataset: str | None = shared.dataset()


@dataclass(frozen=True)
class AugmentOptions(Options):
    """Options of ``augment``."""

    kind: str = option(help="Kind of variants.", argument=True, choices=VARIANTS)
    dataset: str | None = shared.dataset()
    noise: float = option(
        0.2, help="Sigma of Gaussian noise as a share of the full range.", minimum=0, maximum=1
    )
    copies: int = option(1, help="Variants of each image.", minimum=1, maximum=100)
    seed: int = shared.seed()
    magnitude: float | None = option(
        help="Strength of the operations: randaugment 0 to 30, augmix 0.1 to 10.",
        minimum=0,
        maximum=30,
        shows="9 for randaugment, 3 for augmix",
    )
    fidelity: bool = option(
        True, help="Measure how well variants keep their class.", negative="--no-fidelity"
    )


@dataclass(frozen=True)
class ExportOptions(Options):
    """Options of ``export``."""

    out: str = option(help="A new folder, or a file .npz.", argument=True, path="any")
    dataset: str | None = shared.dataset()
    format: str | None = option(
        help="Layout of the files.",
        choices=EXPORT_FORMATS,
        shows="npz where OUT ends in .npz, else imagefolder",
    )
    view: str | None = shared.view()
    size: int | None = option(help="Of an npz: resize images to this side in pixels.", minimum=1)


@dataclass(frozen=True)
class ReviewOptions(Options):
    """Options of ``review``."""

    dataset: str | None = shared.dataset()
    view: str | None = shared.view()
    port: int = option(5151, help="Port on this machine.", minimum=1, maximum=65_535)
    browser: bool = option(True, help="Only serve; print the address.", negative="--no-browser")
    address: str = option(
        "127.0.0.1",
        help="Listen on another address. The App has no login: anyone who reaches it can read your "
        "files.",
    )


@dataclass(frozen=True)
class ReportOptions(Options):
    """Options of ``report``."""

    dataset: str | None = shared.dataset()
    out: str = option("bccurate-report.html", help="The page.", path="file", metavar="FILE")


@dataclass(frozen=True)
class UndoOptions(Options):
    """Options of ``undo``."""

    run: str = option(help="A run that `bccurate info` lists.", argument=True)
    dataset: str | None = shared.dataset()


@dataclass(frozen=True)
class ZooOptions(Options):
    """Options of ``models``."""

    zoo: str | None = shared.zoo()


@dataclass(frozen=True)
class NoOptions(Options):
    """Options of ``doctor``: none."""
