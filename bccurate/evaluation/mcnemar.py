"""Test whether two models differ by more than chance on the samples that both predicted."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import binomtest


def mcnemar(first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    """Perform McNemar's exact two-sided test (McNemar 1947; binomial form).

    Samples on which both models are right, or both wrong, do not count; if the models were
    equally good, each would be right on half of the others.

    Args:
        first: bool (N,), whether one model is right on each sample.
        second: bool (N,), of the other model.

    Returns:
        ``n``, ``only_first`` and ``only_second`` (samples that only this model has right), and
        ``p_value`` in (0, 1].
    """
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    discordant = only_first + only_second
    p = binomtest(only_first, discordant).pvalue if discordant else 1.0
    return {
        "n": len(first),
        "only_first": only_first,
        "only_second": only_second,
        "p_value": float(p),
    }
