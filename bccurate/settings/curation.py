"""Options of the commands that curate samples."""

from __future__ import annotations

from dataclasses import dataclass

from bccurate.settings import shared
from bccurate.settings.option import Options, option
from bccurate.settings.vocabulary import ENGINES, HASHES, KEEP, MASKS, STATISTICS


@dataclass(frozen=True)
class DedupeOptions(Options):
    """Options of ``dedupe``."""

    path: str | None = option(
        help="A folder of images, or a CSV of their paths, in place of a dataset.",
        argument=True,
        required=False,
        metavar="[FOLDER|CSV]",
        path="any",
    )
    dataset: str | None = shared.dataset()
    method: str = option("phash", help="Perceptual hash that finds candidates.", choices=HASHES)
    threshold: int = option(
        4,
        help="Differing bits of 64 up to which hashes make a candidate; pixels confirm it.",
        minimum=0,
        maximum=14,
    )
    keep: str = option("first", help="Which image of a group is kept.", choices=KEEP)
    rotations: bool = option(False, help="Match rotations by 90 degrees and flips too.")
    view: str | None = shared.view()
    engine: str = option(
        "local",
        help="ray: read and match on a running Ray cluster; the groups are the same.",
        choices=ENGINES,
    )
    ray_address: str = option(
        "auto",
        help="The cluster's head; auto is RAY_ADDRESS, else the cluster on this machine.",
        metavar="HOST:PORT",
    )
    csv: str | None = option(help="Write the groups to a CSV too.", metavar="FILE", path="file")
    fail_on_found: bool = option(False, help="Exit 3 where there are duplicates.", cli_only=True)


@dataclass(frozen=True)
class OutliersOptions(Options):
    """Options of ``outliers``."""

    dataset: str | None = shared.dataset()
    alpha: float = option(
        3.0,
        help="Threshold in standard deviations (or MADs).",
        minimum=0,
        maximum=1_000_000,
        above_minimum=True,
    )
    statistic: str = option(
        "mean-std",
        help="mean-std is the paper's; median-mad tolerates many outliers in a class.",
        choices=STATISTICS,
    )
    iterate: bool = option(False, help="Leave out what was found and search again.")
    false_alarms: float = option(
        1.0,
        help="How many images of a clean class may exceed a bound by chance: widens the bounds of "
        "large classes. 0 keeps alpha.",
        minimum=0,
        maximum=1_000_000,
    )
    embedding: str | None = option(
        help="Also tag images that are far from their class in the features of a trained model.",
        metavar="MODEL",
        completes="model",
    )
    plot: str | None = option(
        help="Write the plot of each class (.html or .svg).", path="file", metavar="FILE"
    )
    view: str | None = shared.view()
    zoo: str | None = shared.zoo()


@dataclass(frozen=True)
class SplitOptions(Options):
    """Options of ``split``."""

    dataset: str | None = shared.dataset()
    val: float = option(0.15, help="Share of the validation split.", minimum=0, maximum=0.99)
    test: float = option(0.15, help="Share of the test split.", minimum=0, maximum=0.99)
    group: str | None = option(
        help="A field (patient, slide) whose values never cross splits either.", metavar="FIELD"
    )
    seed: int = shared.seed()
    redo: bool = option(False, help="Draw all again, also samples that have a split.")
    folds: int | None = option(
        help="Number the samples outside the test split by K folds, in the field `fold`.",
        minimum=2,
        maximum=100,
        metavar="K",
    )


@dataclass(frozen=True)
class LeaksOptions(Options):
    """Options of ``leaks``."""

    dataset: str | None = shared.dataset()
    group: str | None = option(
        help="A field (patient, slide) whose values must not cross splits either.", metavar="FIELD"
    )
    view: str | None = shared.view()
    fail_on_found: bool = option(False, help="Exit 3 where groups cross splits.", cli_only=True)


@dataclass(frozen=True)
class BackgroundOptions(Options):
    """Options of ``background``."""

    dataset: str | None = shared.dataset()
    method: str = option(
        "stain",
        help="stain: by colour, stain and shape; threshold: the paper's grey, blur, threshold.",
        choices=MASKS,
    )
    view: str | None = shared.view()
