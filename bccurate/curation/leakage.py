"""Groups that cross splits: what a model saw in training comes back in the test."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from bccurate.duplicates.components import join_groups


class Crossing(NamedTuple):
    """A group in more than one split.

    Attributes:
        group: its name.
        members: indices of those of its members that have a split.
        splits: their splits, sorted.
    """

    group: Hashable
    members: list[int]
    splits: list[str]


def crossing_groups(groups: Sequence[Hashable], splits: Sequence[str | None]) -> list[Crossing]:
    """Groups with members in more than one split, largest first.

    Args:
        groups: N group names (duplicate group, patient); None for no group.
        splits: N split names; None for no split.
    """
    members: dict[Hashable, list[int]] = {}
    for index, (group, split) in enumerate(zip(groups, splits, strict=True)):
        if group is not None and split is not None:
            members.setdefault(group, []).append(index)
    found = []
    for group, indices in members.items():
        names = sorted({str(splits[index]) for index in indices})
        if len(names) > 1:
            found.append(Crossing(group, indices, names))
    return sorted(found, key=lambda crossing: (-len(crossing.members), crossing.members))


def crossing_duplicates(
    columns: Mapping[str, Sequence[Hashable]], splits: Sequence[str | None]
) -> list[tuple[str, Crossing]]:
    """As ``crossing_groups``, of images that any chain of duplicates joins.

    Args:
        columns: N group names each, by field, the closest kind of duplicate first.
        splits: N split names; None for no split.

    Returns:
        each crossing with the first field in which its members are one group, and the group's
        name there; where there is none, the last field and the name of the first member.
    """
    found = []
    for _, members, names in crossing_groups(join_groups(*columns.values()), splits):
        own = {field: [column[i] for i in members] for field, column in columns.items()}
        one = [field for field, values in own.items() if len(set(values)) == 1]
        field = next((field for field in one if own[field][0] is not None), list(columns)[-1])
        found.append((field, Crossing(own[field][0], members, names)))
    return found
