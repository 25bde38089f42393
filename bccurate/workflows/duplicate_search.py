"""Group images into duplicates and describe the groups, with or without a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bccurate.duplicates.contamination import MIN_EXCESS, MIN_LABELS, Judgement, judge
from bccurate.duplicates.dihedral import ROTATIONS
from bccurate.duplicates.engine import Engine
from bccurate.duplicates.groups import (
    Found,
    Group,
    ImageColumns,
    SearchOptions,
    find_groups,
    keeper_rank,
)
from bccurate.duplicates.pairs import MAX_SEARCHED
from bccurate.settings.curation import DedupeOptions

METHOD_OPTIONS = ("method", "threshold", "keep", "rotations")


@dataclass(frozen=True)
class Images:
    """N readable images, sorted by path so that no result depends on their order.

    Attributes:
        paths: of the files.
        labels: class names; None for no label.
        columns: what the search compares.
        areas: pixels.
        sharpness: variance of the Laplacian.
    """

    paths: Sequence[str]
    labels: Sequence[str | None]
    columns: ImageColumns
    areas: Sequence[int]
    sharpness: Sequence[float]


@dataclass(frozen=True)
class DuplicateSearch:
    """The groups of ``images``, with a judgement for each."""

    images: Images
    found: Found
    judgements: list[Judgement]

    def rows(self) -> list[dict[str, Any]]:
        """Return the groups as in ``DedupeRecord``."""
        groups = zip(self.found.groups, self.judgements, strict=True)
        return [_row(group, judgement, self.images.paths) for group, judgement in groups]

    def counts(self, leaks: int) -> dict[str, int]:
        """Return the counts of ``DedupeRecord``; ``leaks`` counts the groups across splits."""
        groups = self.found.groups
        return {
            "samples": len(self.images.paths),
            "groups": len(groups),
            "exact": sum(group.kind == "exact" for group in groups),
            "near": sum(group.kind == "near" for group in groups),
            "duplicates": sum(len(group.members) - 1 for group in groups),
            "conflicts": sum(judgement.conflict for judgement in self.judgements),
            "contaminated": sum(judgement.contamination for judgement in self.judgements),
            "leaks": leaks,
        }

    def warnings(self) -> list[str]:
        """Return what the reader of the groups must know."""
        warnings = []
        pairs = zip(self.found.groups, self.judgements, strict=True)
        contaminated = [len(group.members) for group, judged in pairs if judged.contamination]
        if contaminated:
            warnings.append(
                f"{sum(contaminated):,} images are contamination: one image under {MIN_LABELS} "
                f"labels or more, or repeated at least {MIN_EXCESS} times as often as the class "
                "median; clean data holds none of them, not even the image that is kept"
            )
        if len(self.images.paths) > MAX_SEARCHED:
            warnings.append(
                f"above {MAX_SEARCHED:,} images near duplicates are searched by hash alone: "
                "shifted and cropped copies are missed (a higher --threshold finds more)"
            )
        return warnings


def search_duplicates(images: Images, options: DedupeOptions, engine: Engine) -> DuplicateSearch:
    """Group images and judge the groups."""
    rank = keeper_rank(options.keep, images.paths, images.areas, images.sharpness)
    search = SearchOptions(options.threshold, options.rotations)
    found = find_groups(images.columns, search, rank, engine)
    judgements = judge(found.groups, images.labels, images.columns.pixelhashes)
    return DuplicateSearch(images, found, judgements)


def method_options(options: DedupeOptions) -> dict[str, Any]:
    """Return the options that decide what a duplicate is, as records and runs hold them."""
    return {name: getattr(options, name) for name in METHOD_OPTIONS}


def _row(group: Group, judgement: Judgement, paths: Sequence[str]) -> dict[str, Any]:
    return {
        "kind": group.kind,
        "members": [paths[i] for i in group.members],
        "keep": paths[group.members[0]],
        "labels": judgement.labels,
        "conflict": judgement.conflict,
        "contamination": judgement.contamination,
        "similarity": round(group.similarity, 4),
        "pairs": [
            {
                "members": [paths[pair.a], paths[pair.b]],
                "distance": pair.distance,
                "similarity": pair.similarity,
                "turn": ROTATIONS[pair.rotation],
                "why": pair.why,
            }
            for pair in group.pairs
        ],
    }
