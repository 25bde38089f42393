"""Groups that cross splits: what a model saw in training comes back in the test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def crossing_groups(
    groups: Sequence[Any], splits: Sequence[str | None]
) -> list[tuple[Any, list[int], list[str]]]:
    """Groups with members in more than one split.

    Args:
        groups: N group names (duplicate group, patient); None for no group.
        splits: N split names; None for no split.

    Returns:
        (group, indices of its members that have a split, their splits sorted), largest first.
    """
    members: dict[Any, list[int]] = {}
    for index, (group, split) in enumerate(zip(groups, splits, strict=True)):
        if group is not None and split is not None:
            members.setdefault(group, []).append(index)
    found = []
    for group, indices in members.items():
        names = sorted({str(splits[index]) for index in indices})
        if len(names) > 1:
            found.append((group, indices, names))
    return sorted(found, key=lambda row: (-len(row[1]), row[1]))
