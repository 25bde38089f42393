"""Measure calibration, and improve it by temperature scaling."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_softmax, softmax

from bccurate.errors import InputError

BINS = 15
LOWEST, HIGHEST = 0.05, 20.0  # a temperature beyond these describes the data, not the model


def reliability(confidences: np.ndarray, hits: np.ndarray) -> list[dict[str, Any]]:
    """Bin predictions by confidence: low, high, n, confidence (mean) and accuracy of 15 bins.

    The bins (low, high] are of equal width (Guo et al. 2017, section 2).

    Args:
        confidences: float (N,) in [0, 1], of the predicted class.
        hits: bool (N,), whether the prediction is correct.

    Returns:
        a row per bin; confidence and accuracy of an empty bin are None.
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


def fit_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """Return the temperature T in [0.05, 20] for which softmax(logits / T) has the lowest mean NLL.

    Temperature scaling (Guo et al. 2017, "On calibration of modern neural networks", section
    4.2). The NLL is convex in 1 / T, so its minimum is the root of the derivative, or a bound if
    the derivative has no root, as when every prediction is correct (T to 0).

    Args:
        logits: float (N, C), of samples that the model was not trained on.
        targets: int (N,), indices of the true classes.

    Returns:
        T; above 1 the model was overconfident. 1 if all logits are equal.

    Raises:
        InputError: no samples, logits that are not finite, or shapes that do not fit.
    """
    scores = _checked(logits, targets)
    true_scores = scores[np.arange(len(scores)), targets]

    def slope(beta: float) -> float:
        """Return the derivative of the mean NLL by beta = 1 / T: expected minus true logit."""
        return float(np.mean((softmax(beta * scores, axis=1) * scores).sum(axis=1) - true_scores))

    if np.ptp(scores) == 0:
        return 1.0
    if slope(1 / LOWEST) <= 0:
        return LOWEST
    if slope(1 / HIGHEST) >= 0:
        return HIGHEST
    return 1 / float(brentq(slope, 1 / HIGHEST, 1 / LOWEST, xtol=1e-12))


def nll(logits: np.ndarray, targets: np.ndarray, temperature: float = 1.0) -> float:
    """Return the mean negative log likelihood, in nats, of targets (N,) by softmax(logits / T)."""
    scores = log_softmax(_checked(logits, targets) / temperature, axis=1)
    return float(-scores[np.arange(len(scores)), targets].mean())


def ece(logits: np.ndarray, targets: np.ndarray, temperature: float = 1.0) -> float:
    """Return the expected calibration error, in [0, 1], of softmax(logits / T)."""
    return calibration_error(bins_at(logits, targets, temperature))


def bins_at(logits: np.ndarray, targets: np.ndarray, temperature: float) -> list[dict[str, Any]]:
    """Return the ``reliability`` of softmax(logits / T)."""
    scores = _checked(logits, targets)
    confidences = softmax(scores / temperature, axis=1).max(axis=1)
    return reliability(confidences, scores.argmax(axis=1) == targets)


def _checked(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return logits as float64, each row shifted to a maximum of 0, which softmax ignores."""
    scores = np.asarray(logits, dtype=np.float64)
    if scores.ndim != 2 or len(scores) != len(targets) or not scores.size:
        raise InputError(f"Logits are {scores.shape} for {len(targets)} targets")
    if not np.isfinite(scores).all():
        raise InputError("A logit is not a finite number", "bccurate train, then predict again")
    return scores - scores.max(axis=1, keepdims=True)
