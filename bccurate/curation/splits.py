"""Honest splits: the classes in proportion, duplicates and groups never parted.

A class counts its images, a group goes to one split whole. Groups of several images are placed
first, largest first, each where its labels are missed most; the single images then fill every
class to its exact share (largest remainder). scikit-learn's StratifiedGroupKFold does the same
for equal folds only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


def assign_splits(
    labels: Sequence[str],
    groups: Sequence[int | str],
    keys: Sequence[str],
    fractions: Mapping[str, float],
    seed: int = 51,
    fixed: Sequence[str | None] | None = None,
) -> list[str]:
    """A split's name for each of N samples.

    Args:
        labels: N class names.
        groups: N group names; equal ones are never parted.
        keys: N unique strings (paths); the outcome depends on them, not on the order given.
        fractions: split to share, together 1; the first split takes what rounding leaves.
        seed: of the shuffle.
        fixed: splits that stay as they are; a group with a fixed member follows it.
    """
    order = np.argsort(np.asarray(keys, dtype=object), kind="stable")
    shuffled = order[np.random.default_rng(seed).permutation(len(order))].tolist()
    missing = _targets(labels, fractions)
    members: dict[int | str, list[int]] = {}
    for index in shuffled:
        members.setdefault(groups[index], []).append(index)
    result: list[str] = [""] * len(labels)

    def place(indices: list[int], split: str) -> None:
        for index in indices:
            result[index] = split
            missing[split][labels[index]] -= 1

    waiting = []
    for indices in members.values():
        known = next((fixed[i] for i in indices if fixed[i]), None) if fixed else None
        if known in missing:
            place(indices, known)  # type: ignore[arg-type]
        else:
            waiting.append(indices)
    for indices in sorted(waiting, key=len, reverse=True):  # stable: ties stay shuffled
        place(indices, _most_missed([labels[i] for i in indices], missing))
    return result


def _targets(labels: Sequence[str], fractions: Mapping[str, float]) -> dict[str, dict[str, int]]:
    """How many of each class each split should hold; whole numbers that add up."""
    targets: dict[str, dict[str, int]] = {split: {} for split in fractions}
    first = next(iter(fractions))
    names, counts = np.unique(np.asarray(labels, dtype=object), return_counts=True)
    for label, n in zip(names.tolist(), counts.tolist(), strict=True):
        rest = n
        for split, share in fractions.items():
            if split != first:
                targets[split][label] = min(rest, round(n * share))
                rest -= targets[split][label]
        targets[first][label] = rest
    return targets


def _most_missed(labels: list[str], missing: dict[str, dict[str, int]]) -> str:
    """The split that misses these labels most; a whole group must fit where one can."""

    def need(split: str) -> tuple[bool, int]:
        wanted = sum(missing[split][label] for label in labels)
        fits = all(missing[split][label] >= labels.count(label) for label in set(labels))
        return fits, wanted

    return max(missing, key=need)
