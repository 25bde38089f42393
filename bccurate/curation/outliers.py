"""Outliers by intensity: the paper's equations 1 and 2.

With m and s the mean and standard deviation of one image's grey values, and mu and sigma the
centre and spread of m (equation 1) and of s (equation 2) over its class, an image is an outlier
where |m - mu_m| > alpha sigma_m or |s - mu_s| > alpha sigma_s.

A planted group inflates the very mean and deviation that should catch it. ``median-mad`` takes
median and 1.4826 MAD instead (Leys et al. 2013, "Detecting outliers"); ``iterate`` leaves the
found ones out and looks again. docs/outliers.md has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

MAD_TO_STD = 1.4826  # of a normal distribution
MAX_ROUNDS = 10
EQUATIONS = ("mean", "std")


@dataclass(frozen=True)
class IntensityOutliers:
    """What ``intensity_outliers`` finds.

    Attributes:
        scores: (N,) in [0, 1]: z / (z + alpha) of the larger of the two deviations z, counted in
            spreads; above 0.5 exactly for outliers.
        equations: (N,) index into ``EQUATIONS`` of that larger deviation.
        per_class: label to ``n``, ``outliers``, the ``alpha`` used, and under ``mean`` and ``std``
            the ``centre``, ``spread``, ``low`` and ``high`` of the bounds, 0 to 255.
    """

    scores: np.ndarray
    equations: np.ndarray
    per_class: dict[str, dict[str, Any]]


def intensity_outliers(
    intensity_mean: np.ndarray,
    intensity_std: np.ndarray,
    labels: Sequence[str],
    reference: np.ndarray,
    alpha: float = 3.0,
    statistic: str = "mean-std",
    iterate: bool = False,
    false_alarms: float = 1.0,
) -> IntensityOutliers:
    """Score N images against the bounds of their class.

    Args:
        intensity_mean, intensity_std: (N,) of the grey image, 0 to 255.
        labels: N class names.
        reference: (N,) bool, the images that the bounds are taken from (no duplicates).
        alpha: threshold in standard deviations (or MADs), above 0; see ``bound_of_class``.
        statistic: one of ``vocabulary.STATISTICS``.
        iterate: leave out what was found and look again until nothing changes.
        false_alarms: see ``bound_of_class``.
    """
    values = np.stack([intensity_mean, intensity_std])
    names = np.asarray(labels, dtype=object)
    scores = np.zeros(len(names))
    equations = np.zeros(len(names), dtype=int)
    per_class: dict[str, dict[str, Any]] = {}
    for label in sorted(set(labels)):
        mine = names == label
        inside = reference[mine] if reference[mine].any() else np.ones(mine.sum(), dtype=bool)
        bound = bound_of_class(alpha, int(inside.sum()), false_alarms)
        centre, spread = _bounds(values[:, mine], inside, bound, statistic, iterate)
        scores[mine], equations[mine] = _score(values[:, mine], centre, spread, bound)
        n, found = int(mine.sum()), int((scores[mine] > 0.5).sum())
        row: dict[str, Any] = {"n": n, "outliers": found, "alpha": bound}
        for equation, c, s in zip(EQUATIONS, centre.tolist(), spread.tolist(), strict=True):
            reach = bound * s
            row[equation] = {"centre": c, "spread": s, "low": c - reach, "high": c + reach}
        per_class[label] = row
    return IntensityOutliers(scores, equations, per_class)


def bound_of_class(alpha: float, n: int, false_alarms: float) -> float:
    """Return the threshold for a class of ``n`` images, in standard deviations (or MADs).

    It is ``alpha``, or more in a large class.

    Of n normally distributed images ``false_alarms`` lie beyond it by chance: a fixed bound of 3
    takes 0.27 % of any class by each equation, however clean, and of a large one takes many. Up
    to 370 images a bound of 3 stays as it is, with ``false_alarms`` 1. With 0 it always does.

    Source: Chauvenet 1863, "A manual of spherical and practical astronomy" II, with 1/2 in
    place of ``false_alarms``.
    """
    if not false_alarms:
        return alpha
    return max(alpha, -NormalDist().inv_cdf(min(false_alarms / (2 * n), 0.5)))


def smallest_class(alpha: float) -> int:
    """The smallest class in which mean-std can flag anything at all.

    Among n values none lies further than sqrt(n - 1) of their deviations from their mean.
    Source: Samuelson 1968, "How deviant can you be?" (the deviation divides by n, as here).
    """
    return int(alpha * alpha) + 2


def _bounds(
    values: np.ndarray, inside: np.ndarray, alpha: float, statistic: str, iterate: bool
) -> tuple[np.ndarray, np.ndarray]:
    for _ in range(MAX_ROUNDS if iterate else 1):
        centre, spread = _centre_and_spread(values[:, inside], statistic)
        kept = inside & (_score(values, centre, spread, alpha)[0] <= 0.5)
        if (kept == inside).all() or not kept.any():
            break
        inside = kept
    return centre, spread


def _centre_and_spread(values: np.ndarray, statistic: str) -> tuple[np.ndarray, np.ndarray]:
    if statistic == "median-mad":
        centre = np.median(values, axis=1)
        return centre, MAD_TO_STD * np.median(np.abs(values - centre[:, None]), axis=1)
    return values.mean(axis=1), values.std(axis=1)


def _score(
    values: np.ndarray, centre: np.ndarray, spread: np.ndarray, alpha: float
) -> tuple[np.ndarray, np.ndarray]:
    distance = np.abs(values - centre[:, None])
    # Half a grey-level step of rounding must not count as a deviation in a class of equals.
    z = distance / np.maximum(spread, 1e-9)[:, None]
    most = z.max(axis=0)
    scores = np.where(distance.max(axis=0) < 1e-6, 0.0, most / (most + alpha))
    return scores, z.argmax(axis=0)
