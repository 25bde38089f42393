"""How likely each label is wrong, by a model of the noise that the labels themselves tell.

Confident learning (Northcutt et al. 2021) estimates p(given label, true label) by counting and
ranks by the probabilities alone. Here the same table is fitted by maximum likelihood, together with
a temperature of the probabilities, and the ranking is Bayes' rule with it: a network that takes ig
for neutrophil on its own is not mistaken for people who did. Two tables compete: one rate for all
wrong labels alike, and a rate for each pair of classes; the Bayesian information criterion (Schwarz
1978) decides which one the labels can bear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TEMPERATURES = np.geomspace(0.4, 4.0, 11)
FIRST_RATE = 0.05  # of wrong labels, where the fit begins
_STEPS, _GAIN = 50, 0.01  # of expectation maximisation: at most, and in nats, at least


@dataclass(frozen=True)
class LabelNoise:
    """What was fitted.

    Attributes:
        rates: (C, C), p(given label | true label); columns add to 1.
        temperature: probabilities are softmax(log p / temperature).
        uniform: whether all wrong labels have one rate.
        criterion: the log likelihood in nats less half the parameters times log N.
    """

    rates: np.ndarray
    temperature: float
    uniform: bool
    criterion: float


def wrong_by_noise(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """1 - p(true label = the label given | image, label given), (N,) in [0, 1].

    Args:
        probabilities: (N, C), rows add to 1, of a model that has not seen the labels.
        targets: (N,) int, the labels given.
    """
    noise = fit_noise(probabilities, targets)
    # With one rate the order is that of p(label) at any temperature near 1: it is left as it is.
    temperature = 1.0 if noise.uniform else noise.temperature
    joint = _tempered(probabilities, temperature) * noise.rates[targets]
    rows = np.arange(len(targets))
    own = joint[rows, targets]
    joint[rows, targets] = 0.0
    rest = joint.sum(axis=1)  # not 1 - own / all: that is 0 for all that are nearly sure
    return rest / np.maximum(own + rest, np.finfo(float).tiny)


def fit_noise(probabilities: np.ndarray, targets: np.ndarray) -> LabelNoise:
    """The noise under which the labels given are likeliest, by the better of two tables."""
    classes = probabilities.shape[1]
    given = np.eye(classes)[targets]
    fits = []
    for temperature in TEMPERATURES.tolist():
        tempered = _tempered(probabilities, temperature)
        for uniform, parameters in ((True, 1), (False, classes * (classes - 1))):
            rates, likelihood = _fit(tempered, given, targets, uniform)
            criterion = likelihood - parameters / 2 * np.log(max(len(targets), 1))
            fits.append(LabelNoise(rates, temperature, uniform, float(criterion)))
    return max(fits, key=lambda fit: fit.criterion)


def _tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    logs = np.log(np.maximum(probabilities, 1e-30)) / temperature
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _fit(
    probabilities: np.ndarray, given: np.ndarray, targets: np.ndarray, uniform: bool
) -> tuple[np.ndarray, float]:
    """Rates (C, C) and log likelihood, by expectation maximisation (Dempster et al. 1977).

    ``given`` is ``targets``, (N, C) one-hot.
    """
    n, classes = probabilities.shape
    rates, likelihood = _one_rate(FIRST_RATE, classes), -np.inf
    for _ in range(_STEPS):
        joint = probabilities * rates[targets]
        sums = joint.sum(axis=1, keepdims=True)
        before, likelihood = likelihood, float(np.log(sums).sum())
        if likelihood - before < _GAIN:
            break
        counts = given.T @ (joint / sums)
        if uniform:
            rates = _one_rate(1 - np.trace(counts) / max(n, 1), classes)
        else:
            counts += 1 / classes  # so that no class, and no pair, is impossible
            rates = counts / counts.sum(axis=0)
    return rates, likelihood


def _one_rate(wrong: float, classes: int) -> np.ndarray:
    wrong = min(max(wrong, 1e-6), 1 - 1e-6)
    rates = np.full((classes, classes), wrong / max(classes - 1, 1))
    np.fill_diagonal(rates, 1 - wrong)
    return rates
