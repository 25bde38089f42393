"""Outliers by embedding: far from the nearest neighbours of one's own class.

The distance to the k-th nearest neighbour as a measure of outlyingness is Ramaswamy, Rastogi and
Shim 2000, "Efficient algorithms for mining outliers from large data sets"; in the penultimate
features of a network, on the unit sphere, it is Sun et al. 2022, https://arxiv.org/abs/2204.06507;
k = 10 is the choice of Kuan and Mueller 2022, https://arxiv.org/abs/2207.03061.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bccurate.curation.outliers import MAD_TO_STD, bound_of_class

K = 10
SMALLEST_CLASS = 4  # of fewer the median and MAD of the distances say nothing
# Closer than float32 tells apart, and a spread below 1 %: no evidence of anything.
SMALLEST_DISTANCE, SMALLEST_SPREAD = 1e-6, 0.01


def neighbour_outliers(
    features: np.ndarray,
    labels: Sequence[str],
    reference: np.ndarray,
    alpha: float = 3.0,
    false_alarms: float = 1.0,
    k: int = K,
) -> tuple[np.ndarray, np.ndarray]:
    """Score N images by the distance to their k-th nearest neighbour within their class.

    Distances within a class are about log-normal, so that their logarithms are held against their
    own median and 1.4826 MAD: z counts the spreads beyond the median, and close is never far.

    Args:
        features: (N, D) float32 rows of length 1.
        labels: N class names.
        reference: (N,) bool, the images that may be neighbours (no duplicates: a picture that is
            there 20 times would be its own neighbourhood).
        alpha, false_alarms: see ``curation.outliers.bound_of_class``.
        k: which neighbour; fewer in a class of fewer images.

    Returns:
        scores (N,) in [0, 1], z / (z + alpha), above 0.5 exactly for outliers; and the Euclidean
        distances (N,) in [0, 2]. Both are 0 in a class of fewer than ``SMALLEST_CLASS`` reference
        images.
    """
    names = np.asarray(labels, dtype=object)
    scores, distances = np.zeros(len(names)), np.zeros(len(names))
    for label in sorted(set(labels)):
        mine = names == label
        inside = reference[mine]
        n = int(inside.sum())
        if n < SMALLEST_CLASS:
            continue
        far = _kth_distance(features[mine], inside, min(k, n - 1))
        scores[mine] = _score(far, inside, bound_of_class(alpha, n, false_alarms))
        distances[mine] = far
    return scores, distances


def _kth_distance(features: np.ndarray, inside: np.ndarray, k: int) -> np.ndarray:
    from sklearn.neighbors import NearestNeighbors

    # The nearest is the picture itself, or of a duplicate the one that was kept: not counted.
    # Brute force: trees are no faster in hundreds of dimensions.
    search = NearestNeighbors(n_neighbors=k + 1, algorithm="brute").fit(features[inside])
    return search.kneighbors(features)[0][:, k].astype(np.float64)


def _score(distance: np.ndarray, inside: np.ndarray, alpha: float) -> np.ndarray:
    logs = np.log(np.maximum(distance, SMALLEST_DISTANCE))
    centre = np.median(logs[inside])
    spread = MAD_TO_STD * np.median(np.abs(logs[inside] - centre))
    z = np.maximum(logs - centre, 0) / max(spread, SMALLEST_SPREAD)
    return z / (z + alpha)
