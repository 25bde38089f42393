"""Groups that do not belong in the data: one picture under many labels, or far too often.

The rules are ours. They were made for the raw data of the blood-cell study that this package
follows, in which one blended picture stands 200 times under each of 8 labels and another 200 times
under one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bccurate.duplicates.groups import Group

MIN_LABELS = 3  # two labels for one picture are a doubt between two classes
MIN_COPIES = 10
MIN_EXCESS = 10  # times as often as its class's pictures; an oversampled class repeats them all


@dataclass(frozen=True)
class Judgement:
    """Of one group: members by label, whether labels differ, whether it belongs in no data."""

    labels: dict[str, int]
    conflict: bool
    contamination: bool


def judge(
    groups: Sequence[Group], labels: Sequence[str | None], pixelhashes: Sequence[str]
) -> list[Judgement]:
    """A judgement for each group.

    A group is contamination where its members carry ``MIN_LABELS`` labels or more, or where one of
    its pictures is in a class ``MIN_COPIES`` times or more and ``MIN_EXCESS`` times as often as
    the class's distinct pictures are in the median. Images without a label are a class here.

    Args:
        groups: whose members are indices of the other two.
        labels: N class names; None for no label.
        pixelhashes: N strings, equal where the decoded pixels are.
    """
    kinds = list(zip(labels, pixelhashes, strict=True))
    flooding = _flooding(Counter(kinds))
    judgements = []
    for group in groups:
        counts = label_counts([labels[i] for i in group.members])
        flooded = any(kinds[i] in flooding for i in group.members)
        judgements.append(Judgement(counts, len(counts) > 1, flooded or len(counts) >= MIN_LABELS))
    return judgements


def label_counts(labels: Sequence[str | None]) -> dict[str, int]:
    """How often each label occurs, most frequent first; samples without one left out."""
    counts = Counter(label for label in labels if label is not None)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _flooding(copies: Counter[tuple[str | None, str]]) -> set[tuple[str | None, str]]:
    """The (label, picture) that are there far beyond what is usual in their class."""
    counts: dict[str | None, list[int]] = {}
    for (label, _), n in copies.items():
        counts.setdefault(label, []).append(n)
    bound = {label: max(MIN_COPIES, MIN_EXCESS * median(ns)) for label, ns in counts.items()}
    return {kind for kind, n in copies.items() if n >= bound[kind[0]]}
