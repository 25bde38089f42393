"""Which labels are likely wrong, from a model's probabilities."""

from __future__ import annotations

import numpy as np


def mistakenness(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """How likely each label is a mistake, (N,) in [0, 1].

    Half of 1 minus the normalised margin p(label) - max p(others): 0 where the model is sure
    of the label, 0.5 on the border, 1 where it is sure of another. Source: Northcutt, Jiang,
    Chuang 2021, "Confident learning", section 4 (normalised margin).

    Args:
        probabilities: (N, C), rows add to 1.
        targets: (N,) int, the labels given.
    """
    rows = np.arange(len(targets))
    own = probabilities[rows, targets]
    others = probabilities.copy()
    others[rows, targets] = -1.0
    return (1.0 - (own - others.max(axis=1))) / 2.0
