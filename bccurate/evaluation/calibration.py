"""How sure a model is against how often it is right, and the one number that mends it."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_softmax, softmax

from bccurate.errors import InputError
from bccurate.evaluation.metrics import calibration_error, reliability

LOWEST, HIGHEST = 0.05, 20.0  # a temperature beyond these tells of the data, not of the model


def fit_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """The temperature T in [0.05, 20] whose softmax(logits / T) has the least mean NLL.

    Temperature scaling (Guo et al. 2017, "On calibration of modern neural networks", section
    4.2). The NLL is convex in 1 / T, so the root of its slope is the one minimum; where the slope
    keeps its sign, as when every sample is named rightly (T to 0), T is the bound it falls to.

    Args:
        logits: float (N, C), of samples that the model was not trained on.
        targets: int (N,), indices of the true classes.

    Returns:
        T; above 1 the model was too sure. 1 where the logits tell no class from another.

    Raises:
        InputError: no samples, logits that are not finite, or shapes that do not fit.
    """
    scores = _checked(logits, targets)
    right = scores[np.arange(len(scores)), targets]

    def slope(beta: float) -> float:
        """Derivative of the mean NLL by beta = 1 / T: expected less true logit."""
        return float(np.mean((softmax(beta * scores, axis=1) * scores).sum(axis=1) - right))

    if np.ptp(scores) == 0:
        return 1.0
    if slope(1 / LOWEST) <= 0:
        return LOWEST
    if slope(1 / HIGHEST) >= 0:
        return HIGHEST
    return 1 / float(brentq(slope, 1 / HIGHEST, 1 / LOWEST, xtol=1e-12))


def nll(logits: np.ndarray, targets: np.ndarray, temperature: float = 1.0) -> float:
    """Mean negative log likelihood, in nats, of targets (N,) under softmax(logits / T)."""
    scores = log_softmax(_checked(logits, targets) / temperature, axis=1)
    return float(-scores[np.arange(len(scores)), targets].mean())


def ece(logits: np.ndarray, targets: np.ndarray, temperature: float = 1.0) -> float:
    """Expected calibration error in [0, 1] of softmax(logits / T) (Guo et al. 2017, equation 3)."""
    return calibration_error(bins_at(logits, targets, temperature))


def bins_at(logits: np.ndarray, targets: np.ndarray, temperature: float) -> list[dict[str, Any]]:
    """``evaluation.metrics.reliability`` of softmax(logits / T): what a temperature mends."""
    scores = _checked(logits, targets)
    confidences = softmax(scores / temperature, axis=1).max(axis=1)
    return reliability(confidences, scores.argmax(axis=1) == targets)


def _checked(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Logits as float64, each row shifted to a maximum of 0, which no softmax can tell."""
    scores = np.asarray(logits, dtype=np.float64)
    if scores.ndim != 2 or len(scores) != len(targets) or not scores.size:
        raise InputError(f"Logits are {scores.shape} for {len(targets)} targets")
    if not np.isfinite(scores).all():
        raise InputError("A logit is not a finite number", "bccurate train, then predict again")
    return scores - scores.max(axis=1, keepdims=True)
