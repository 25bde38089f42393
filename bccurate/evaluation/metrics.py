"""Compute classification metrics with confidence intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import metrics

from bccurate.errors import InputError
from bccurate.evaluation.calibration import calibration_error, reliability
from bccurate.evaluation.intervals import wilson


def summarise(targets: np.ndarray, probabilities: np.ndarray, classes: list[str]) -> dict[str, Any]:
    """Return all metrics of one split, serialisable as JSON.

    ``targets`` int (N,) are indices into ``classes``, ``probabilities`` float (N, C). The keys:

    - ``n``, ``accuracy``, ``accuracy_interval`` ([low, high], Wilson, 95 %);
    - ``macro_f1``: see ``macro_f1``;
    - ``ece``: expected calibration error, in [0, 1];
    - ``per_class``: label to n, precision, recall, f1, precision_interval, recall_interval
      (Wilson, 95 %); None if undefined, such as the precision of a class never predicted;
    - ``confusion``: C x C counts, rows true, columns predicted;
    - ``reliability``: see ``calibration.reliability``.

    Raises:
        InputError: no samples, or shapes and targets that do not fit the classes.
    """
    targets = np.asarray(targets)
    _check(targets, probabilities, len(classes))
    predictions = probabilities.argmax(axis=1)
    hits = predictions == targets
    bins = reliability(probabilities.max(axis=1), hits)
    confusion = metrics.confusion_matrix(targets, predictions, labels=range(len(classes)))
    return {
        "n": len(targets),
        "accuracy": float(hits.mean()),
        "accuracy_interval": wilson(int(hits.sum()), len(hits)),
        "macro_f1": macro_f1(targets, predictions),
        "ece": calibration_error(bins),
        "per_class": _per_class(targets, predictions, classes),
        "confusion": confusion.tolist(),
        "reliability": bins,
    }


def macro_f1(targets: np.ndarray, predictions: np.ndarray) -> float:
    """Return the mean F1, in [0, 1], over the classes in ``targets`` or ``predictions``.

    A class that occurs in neither does not count as 0. Both are int (N,), N at least 1.
    """
    return float(metrics.f1_score(targets, predictions, average="macro"))


def _per_class(
    targets: np.ndarray, predictions: np.ndarray, classes: list[str]
) -> dict[str, dict[str, Any]]:
    numbers = range(len(classes))
    scores = metrics.precision_recall_fscore_support(
        targets, predictions, labels=numbers, zero_division=np.nan
    )
    predicted = np.bincount(predictions, minlength=len(classes)).tolist()
    hits = np.bincount(targets[targets == predictions], minlength=len(classes)).tolist()
    precision, recall, f1 = (
        [None if np.isnan(value) else float(value) for value in column] for column in scores[:3]
    )
    support = scores[3].tolist()
    return {
        label: {
            "n": support[i],
            "precision": precision[i],
            "recall": recall[i],
            "f1": f1[i],
            "precision_interval": wilson(hits[i], predicted[i]),
            "recall_interval": wilson(hits[i], support[i]),
        }
        for i, label in enumerate(classes)
    }


def _check(targets: np.ndarray, probabilities: np.ndarray, classes: int) -> None:
    if len(targets) == 0:
        raise InputError("There are no samples to evaluate")
    if probabilities.shape != (len(targets), classes):
        raise InputError(
            f"Probabilities are {probabilities.shape}, not ({len(targets)}, {classes})"
        )
    if targets.min() < 0 or targets.max() >= classes:
        raise InputError(f"A target is not an index into the {classes} classes")
