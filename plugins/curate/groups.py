"""Duplicate groups as the database has them now, with what people have decided on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from bccurate.hub.read import columns, label_path
from bccurate.hub.review_tags import is_decision

ALL, CONFLICTS, UNDECIDED = "all groups", "labels in conflict", "not decided yet"
KINDS = (ALL, CONFLICTS, UNDECIDED)


@dataclass(frozen=True)
class Member:
    """A sample of a duplicate group; ``kept`` is the one that ``dedupe`` keeps."""

    id: str
    filepath: str
    label: str | None
    tags: tuple[str, ...]
    kept: bool

    @property
    def decision(self) -> str | None:
        """``keep``, ``drop`` or ``relabel:<class>``."""
        return next(filter(is_decision, self.tags), None)


@dataclass(frozen=True)
class Group:
    """A duplicate group, the kept sample first."""

    number: int
    members: tuple[Member, ...]

    @property
    def labels(self) -> Counter[str]:
        """How often each label stands in it."""
        return Counter(member.label for member in self.members if member.label is not None)

    @property
    def conflict(self) -> bool:
        """Whether its labels contradict each other."""
        return len(self.labels) > 1

    @property
    def decided(self) -> bool:
        """Whether a person has decided on every one of it."""
        return all(member.decision for member in self.members)


def read_groups(dataset: Any) -> list[Group]:
    """All groups of a dataset by their number: the largest first, as ``dedupe`` numbers them."""
    if dataset.get_field("duplicate_group") is None:
        return []
    view = dataset.exists("duplicate_group")
    fields = ("duplicate_group", "duplicate_of", "filepath", "id", label_path(view), "tags")
    rows = zip(*columns(view, *fields), strict=True)
    # None sorts first: the kept sample is a duplicate of nobody.
    ordered = sorted(rows, key=lambda row: (row[0], row[1] or "", row[2]))
    return [
        Group(
            number,
            tuple(
                Member(sample, path, own_label, tuple(tags or ()), keeper is None)
                for _, keeper, path, sample, own_label, tags in own
            ),
        )
        for number, own in groupby(ordered, key=lambda row: row[0])
    ]


def of_kind(groups: Sequence[Group], kind: str) -> list[Group]:
    """Those of a kind of ``KINDS``."""
    if kind == CONFLICTS:
        return [group for group in groups if group.conflict]
    if kind == UNDECIDED:
        return [group for group in groups if not group.decided]
    return list(groups)
