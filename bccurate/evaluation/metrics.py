"""Measure how well predictions agree with labels, with 95 % intervals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bccurate.errors import InputError

BINS = 15
Z95 = 1.959963984540054  # two-sided 95 % of the normal distribution


def summarise(targets: np.ndarray, probabilities: np.ndarray, classes: list[str]) -> dict[str, Any]:
    """Return all figures of one split as plain types for JSON.

    ``targets`` int (N,) are indices into ``classes``, ``probabilities`` float (N, C). The keys:

    - ``n``, ``accuracy``, ``accuracy_interval`` ([low, high], Wilson, 95 %);
    - ``macro_f1``: mean F1 over the classes that occur in the targets or the predictions, as
      scikit-learn's, so that a class no one has and no one predicts does not count as 0;
    - ``ece``: expected calibration error, in [0, 1];
    - ``per_class``: label to n, precision, recall, f1, precision_interval, recall_interval
      (Wilson, 95 %); None where a figure is undefined;
    - ``confusion``: C x C counts, rows true, columns predicted;
    - ``reliability``: a row a bin of confidence: low, high, n, confidence, accuracy.

    Raises:
        InputError: no samples, or shapes and targets that do not fit the classes.
    """
    targets = np.asarray(targets)
    _check(targets, probabilities, len(classes))
    predictions = probabilities.argmax(axis=1)
    hits = predictions == targets
    table = _confusion(targets, predictions, len(classes))
    scores = _scores(targets, predictions, len(classes))
    per_class = {
        label: _class_row(table, index, scores[:, index]) for index, label in enumerate(classes)
    }
    bins = reliability(probabilities.max(axis=1), hits)
    return {
        "n": len(targets),
        "accuracy": float(hits.mean()),
        "accuracy_interval": wilson(int(hits.sum()), len(hits)),
        "macro_f1": float(np.nanmean(scores[2])),
        "ece": calibration_error(bins),
        "per_class": per_class,
        "confusion": table.tolist(),
        "reliability": bins,
    }


def macro_f1(targets: np.ndarray, predictions: np.ndarray, classes: int) -> float:
    """Return the mean F1, 0 to 1, over the classes that occur in targets or predictions.

    As scikit-learn's, so that a class that nobody has and nobody predicts does not count as 0.
    """
    return float(np.nanmean(_scores(targets, predictions, classes)[2]))


def _confusion(targets: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """Return counts int64 (C, C): rows true, columns predicted."""
    from sklearn.metrics import confusion_matrix  # late: half a second

    return confusion_matrix(targets, predictions, labels=np.arange(classes))


def _scores(targets: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """Return precision, recall and F1 of each class, (3, C); NaN where they are undefined."""
    from sklearn.metrics import precision_recall_fscore_support

    found = precision_recall_fscore_support(
        targets, predictions, labels=np.arange(classes), zero_division=np.nan
    )
    return np.stack(found[:3])


def wilson(hits: float, n: int) -> list[float] | None:
    """Return the 95 % interval [low, high] of the share ``hits`` / ``n`` (Wilson 1927).

    None where n is 0. Unlike the normal interval it stays within [0, 1] and is not empty at 0 or n
    hits. ``hits`` may be a mean over several counts, which scipy's binomtest does not take; on
    whole numbers the two are equal (tests/evaluation/test_metrics.py).
    """
    if n == 0:
        return None
    share, z2n = hits / n, Z95**2 / n
    centre = (share + z2n / 2) / (1 + z2n)
    half = Z95 * math.sqrt(share * (1 - share) / n + z2n / (4 * n)) / (1 + z2n)
    return [max(0.0, centre - half), min(1.0, centre + half)]


def reliability(confidences: np.ndarray, hits: np.ndarray) -> list[dict[str, Any]]:
    """Return 15 bins (low, high] of equal width over top-1 confidence (Guo et al. 2017, section 2).

    ``confidences`` float (N,) in [0, 1], ``hits`` bool (N,). An empty bin has None as its mean
    confidence and accuracy.
    """
    index = np.clip(np.ceil(confidences.astype(np.float64) * BINS).astype(int) - 1, 0, BINS - 1)
    rows = []
    for number in range(BINS):
        inside = index == number
        n = int(inside.sum())
        rows.append(
            {
                "low": number / BINS,
                "high": (number + 1) / BINS,
                "n": n,
                "confidence": float(confidences[inside].mean(dtype=np.float64)) if n else None,
                "accuracy": float(hits[inside].mean()) if n else None,
            }
        )
    return rows


def calibration_error(bins: list[dict[str, Any]]) -> float:
    """Return the expected calibration error, in [0, 1] (Guo et al. 2017, equation 3)."""
    total = sum(row["n"] for row in bins)
    gaps = (row["n"] * abs(row["accuracy"] - row["confidence"]) for row in bins if row["n"])
    return float(sum(gaps) / total)


def _class_row(table: np.ndarray, index: int, scores: np.ndarray) -> dict[str, Any]:
    hits = int(table[index, index])
    n, predicted = int(table[index].sum()), int(table[:, index].sum())
    return {
        "n": n,
        **{
            name: None if np.isnan(score) else float(score)
            for name, score in zip(("precision", "recall", "f1"), scores, strict=True)
        },
        "precision_interval": wilson(hits, predicted),
        "recall_interval": wilson(hits, n),
    }


def _check(targets: np.ndarray, probabilities: np.ndarray, classes: int) -> None:
    if len(targets) == 0:
        raise InputError("There are no samples to score")
    if probabilities.shape != (len(targets), classes):
        raise InputError(
            f"Probabilities are {probabilities.shape}, not ({len(targets)}, {classes})"
        )
    if targets.min() < 0 or targets.max() >= classes:
        raise InputError(f"A target is not an index into the {classes} classes")
