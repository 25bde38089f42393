"""Which labels are likely wrong, from probabilities of a model that has not seen them.

Rankings and sets of confident learning (Northcutt, Jiang, Chuang 2021, "Confident learning:
estimating uncertainty in dataset labels", https://arxiv.org/abs/1911.00068), and FiftyOne's
ranking. Probabilities are float (N, C), rows add to 1; targets int (N,), the labels given.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bccurate.curation.label_noise import wrong_by_noise


def normalised_margin(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """How likely each label is a mistake, (N,) in [0, 1].

    Half of 1 minus the normalised margin p(label) - max p(others): 0 where the model is sure
    of the label, 0.5 on the border, 1 where it is sure of another. Source: Northcutt et al. 2021,
    section 4.
    """
    rows = np.arange(len(targets))
    own = probabilities[rows, targets]
    others = probabilities.copy()
    others[rows, targets] = -1.0
    return (1.0 - (own - others.max(axis=1))) / 2.0


def self_confidence(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """1 - p(label), (N,) in [0, 1]. Source: Northcutt et al. 2021, section 4."""
    return 1.0 - probabilities[np.arange(len(targets)), targets]


def brain_mistakenness(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """FiftyOne Brain's mistakenness, (N,) in [0, 1]: 0.5 where the model knows nothing.

    (1 + m exp(-H)) / 2 with H the entropy of the row in nats and m = 1 where the likeliest class
    is not the label, else -1. ``fiftyone.brain.compute_mistakenness`` gives these numbers sample
    by sample; it needs no network, but a field and a run of its own.
    """
    logs = np.log(np.where(probabilities > 0, probabilities, 1.0))
    sure = np.exp((probabilities * logs).sum(axis=1))
    wrong = probabilities.argmax(axis=1) != targets
    return (1.0 + np.where(wrong, sure, -sure)) / 2.0


def class_thresholds(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """t_j, (C,): the mean probability of class j over what is labelled j; inf where nothing is.

    Source: Northcutt et al. 2021, equation 2.
    """
    classes = probabilities.shape[1]
    own = probabilities[np.arange(len(targets)), targets]
    counts = np.bincount(targets, minlength=classes)
    sums = np.bincount(targets, weights=own, minlength=classes)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)


def likely_labels(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The class that each sample likely is, int (N,): the label given where nothing says another.

    The likeliest of the classes whose probability reaches their own threshold; these are the
    pairs that the confident joint counts. Source: Northcutt et al. 2021, equation 1.
    """
    # A class of one sample reaches its own threshold, whatever the sums are rounded to.
    above = probabilities >= class_thresholds(probabilities, targets) - 1e-6
    best = np.where(above, probabilities, -1.0).argmax(axis=1)
    return np.where(above.any(axis=1), best, targets)


Method = Callable[[np.ndarray, np.ndarray], np.ndarray]
# The first is the default: the best average precision on planted mistakes (docs/mistakes.md).
METHODS: dict[str, Method] = {
    "noise": wrong_by_noise,
    "margin": normalised_margin,
    "self-confidence": self_confidence,
    "brain": brain_mistakenness,
}
