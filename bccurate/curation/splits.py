"""Honest splits and folds: classes in proportion; duplicates and groups never cross splits.

A class counts its images, a group goes to one split whole. Groups that hold most of their classes
are placed first, each where its classes are missed most; the single images then fill every class
to its share, to the image. scikit-learn's StratifiedGroupKFold does the like, for equal folds
only; its outcome hangs on the order of its input.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

Part = TypeVar("Part", bound=Hashable)
_Targets = dict[Part, dict[str, float]]  # part to class to how many images it should hold


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
        groups: N group names; equal ones never cross splits.
        keys: N unique strings (paths); the outcome depends on them, not on the order given.
        fractions: split to share, together 1; the first split takes what rounding leaves.
        seed: of the shuffle.
        fixed: splits that stay as they are; a group with a fixed member follows it.
    """
    return _assign(labels, groups, keys, _shares(labels, fractions), seed, fixed)


def assign_folds(
    labels: Sequence[str],
    groups: Sequence[int | str],
    keys: Sequence[str],
    folds: int,
    seed: int = 51,
    fixed: Sequence[int | None] | None = None,
) -> list[int]:
    """A fold, 0 to ``folds - 1``, for each of N samples; the rest as for ``assign_splits``."""
    classes = sorted(Counter(labels).items())  # sorted: sums of floats hang on the order
    targets = {fold: {label: n / folds for label, n in classes} for fold in range(folds)}
    return _assign(labels, groups, keys, targets, seed, fixed)


def _shares(labels: Sequence[str], fractions: Mapping[str, float]) -> _Targets[str]:
    """Whole numbers that add up to each class; the first split takes what rounding leaves."""
    targets: _Targets[str] = {split: {} for split in fractions}
    first = next(iter(fractions))
    for label, n in Counter(labels).items():
        rest: float = n
        for split, share in fractions.items():
            if split != first:
                targets[split][label] = min(rest, round(n * share))
                rest -= targets[split][label]
        targets[first][label] = rest
    return targets


def _assign(
    labels: Sequence[str],
    groups: Sequence[int | str],
    keys: Sequence[str],
    missing: _Targets[Part],
    seed: int,
    fixed: Sequence[Part | None] | None,
) -> list[Part]:
    """Place whole groups; ``missing`` is counted down to what each part still lacks."""
    sizes = Counter(labels)
    chosen: dict[int, Part] = {}

    def place(indices: list[int], part: Part) -> None:
        for index in indices:
            chosen[index] = part
            missing[part][labels[index]] -= 1

    waiting = []
    for indices in _shuffled_groups(groups, keys, seed):
        known = (fixed[i] for i in indices) if fixed else iter(())
        part = next((part for part in known if part is not None and part in missing), None)
        if part is not None:
            place(indices, part)
        else:
            waiting.append(indices)
    waiting.sort(key=lambda indices: -sum(1 / sizes[labels[i]] for i in indices))  # ties: shuffled
    for indices in waiting:
        place(indices, _most_missed(Counter(labels[i] for i in indices), missing, sizes))
    return [chosen[index] for index in range(len(labels))]


def _shuffled_groups(
    groups: Sequence[int | str], keys: Sequence[str], seed: int
) -> list[list[int]]:
    """The members of every group, shuffled in a way that hangs on keys and seed alone."""
    order = np.argsort(np.asarray(keys, dtype=object), kind="stable")
    members: dict[int | str, list[int]] = {}
    for index in order[np.random.default_rng(seed).permutation(len(order))].tolist():
        members.setdefault(groups[index], []).append(index)
    return list(members.values())


def _most_missed(own: Counter[str], missing: _Targets[Part], sizes: Counter[str]) -> Part:
    """The part that misses a group's classes most; the group must fit whole where it can.

    The share of each class that is missing counts, and the least of squares: this is where the
    group brings the parts nearest to their targets.
    """

    def need(part: Part) -> tuple[bool, float, float]:
        lacks = missing[part]
        wanted = sum(n * lacks[label] / sizes[label] ** 2 for label, n in own.items())
        fits = all(lacks[label] >= n for label, n in own.items())
        return fits, wanted, sum(lacks.values())

    return max(missing, key=need)
