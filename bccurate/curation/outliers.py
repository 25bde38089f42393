"""Outliers by intensity: the paper's equations 1 and 2.

With m and s the mean and standard deviation of one image's grey values, and mu and sigma the
centre and spread of m (equation 1) and of s (equation 2) over its class, an image is an outlier
where |m - mu_m| > alpha sigma_m or |s - mu_s| > alpha sigma_s.

A planted group inflates the very mean and deviation that should catch it. ``median-mad`` takes
median and 1.4826 MAD instead (Leys et al. 2013, "Detecting outliers"); ``iterate`` leaves the
found ones out and looks again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

STATISTICS = ("mean-std", "median-mad")
MAD_TO_STD = 1.4826  # of a normal distribution
MAX_ROUNDS = 10
EQUATIONS = ("mean", "std")


def intensity_outliers(
    intensity_mean: np.ndarray,
    intensity_std: np.ndarray,
    labels: Sequence[str],
    reference: np.ndarray,
    alpha: float = 3.0,
    statistic: str = "mean-std",
    iterate: bool = False,
) -> tuple[np.ndarray, dict[str, dict[str, Any]]]:
    """Score N images against the bounds of their class.

    Args:
        intensity_mean, intensity_std: (N,) of the grey image, 0 to 255.
        labels: N class names.
        reference: (N,) bool, the images that the bounds are taken from (no duplicates).
        alpha: bound in spreads, above 0.
        statistic: one of ``STATISTICS``.
        iterate: leave out what was found and look again until nothing changes.

    Returns:
        scores (N,) in [0, 1], where z / (z + alpha) of the larger of the two deviations z
        is above 0.5 exactly for outliers; and a row a class: ``n``, ``outliers``, and under
        ``mean`` and ``std`` the ``centre``, ``spread``, ``low`` and ``high`` of the bounds.
    """
    values = np.stack([intensity_mean, intensity_std])
    names = np.asarray(labels, dtype=object)
    scores = np.zeros(len(names))
    per_class: dict[str, dict[str, Any]] = {}
    for label in sorted(set(labels)):
        mine = names == label
        centre, spread = _bounds(values[:, mine], reference[mine], alpha, statistic, iterate)
        scores[mine] = _score(values[:, mine], centre, spread, alpha)
        row: dict[str, Any] = {"n": int(mine.sum()), "outliers": int((scores[mine] > 0.5).sum())}
        for equation, c, s in zip(EQUATIONS, centre.tolist(), spread.tolist(), strict=True):
            reach = alpha * s
            row[equation] = {"centre": c, "spread": s, "low": c - reach, "high": c + reach}
        per_class[label] = row
    return scores, per_class


def smallest_class(alpha: float) -> int:
    """The smallest class in which mean-std can flag anything at all.

    Among n values none lies further than sqrt(n - 1) of their deviations from their mean.
    Source: Samuelson 1968, "How deviant can you be?" (the deviation divides by n, as here).
    """
    return int(alpha * alpha) + 2


def _bounds(
    values: np.ndarray, reference: np.ndarray, alpha: float, statistic: str, iterate: bool
) -> tuple[np.ndarray, np.ndarray]:
    inside = reference.copy() if reference.any() else np.ones_like(reference)
    for _ in range(MAX_ROUNDS if iterate else 1):
        centre, spread = _centre_and_spread(values[:, inside], statistic)
        kept = inside & (_score(values, centre, spread, alpha) <= 0.5)
        if (kept == inside).all() or not kept.any():
            break
        inside = kept
    return centre, spread


def _centre_and_spread(values: np.ndarray, statistic: str) -> tuple[np.ndarray, np.ndarray]:
    if statistic == "median-mad":
        centre = np.median(values, axis=1)
        return centre, MAD_TO_STD * np.median(np.abs(values - centre[:, None]), axis=1)
    return values.mean(axis=1), values.std(axis=1)


def _score(values: np.ndarray, centre: np.ndarray, spread: np.ndarray, alpha: float) -> np.ndarray:
    distance = np.abs(values - centre[:, None])
    # Half a grey-level step of rounding must not count as a deviation in a class of equals.
    spread = np.maximum(spread, 1e-9)[:, None]
    z = (distance / spread).max(axis=0)
    return np.where(distance.max(axis=0) < 1e-6, 0.0, z / (z + alpha))
