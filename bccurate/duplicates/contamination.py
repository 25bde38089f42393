"""Find groups that do not belong in the data: one image under many labels, or repeated too often.

The rules are our own. They were made for the raw data of the blood-cell study that this package
follows, in which one blended image occurs 200 times under each of 8 labels and another 200 times
under one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bccurate.duplicates.groups import Group

MIN_LABELS = 3  # two labels of one image are a doubt between two classes
MIN_COPIES = 10
MIN_EXCESS = 10  # times the median of the class: an oversampled class repeats all its images


@dataclass(frozen=True)
class Judgement:
    """The labels of a group with counts, whether they differ, and whether it is contamination."""

    labels: dict[str, int]
    conflict: bool
    contamination: bool


def judge(
    groups: Sequence[Group], labels: Sequence[str | None], pixelhashes: Sequence[str]
) -> list[Judgement]:
    """Return a judgement for each group.

    A group is contamination where its members have ``MIN_LABELS`` labels or more, or where one of
    its images is repeated in a class ``MIN_COPIES`` times or more and at least ``MIN_EXCESS`` times
    as often as the median of the class's distinct images. Images without a label form a class.

    Args:
        groups: with members that are indices of the other two.
        labels: N class names; None for no label.
        pixelhashes: N strings, equal where the decoded pixels are.
    """
    images = list(zip(labels, pixelhashes, strict=True))
    repeated = _too_often(Counter(images))
    judgements = []
    for group in groups:
        counts = label_counts([labels[i] for i in group.members])
        too_often = any(images[i] in repeated for i in group.members)
        contamination = too_often or len(counts) >= MIN_LABELS
        judgements.append(Judgement(counts, len(counts) > 1, contamination))
    return judgements


def label_counts(labels: Sequence[str | None]) -> dict[str, int]:
    """Count each label, most frequent first; None is left out."""
    counts = Counter(label for label in labels if label is not None)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _too_often(copies: Counter[tuple[str | None, str]]) -> set[tuple[str | None, str]]:
    """Return the (label, image) repeated at least 10 times as often as the class median."""
    counts: dict[str | None, list[int]] = {}
    for (label, _), n in copies.items():
        counts.setdefault(label, []).append(n)
    bound = {label: max(MIN_COPIES, MIN_EXCESS * median(ns)) for label, ns in counts.items()}
    return {image for image, n in copies.items() if n >= bound[image[0]]}
