"""Whether two models differ by more than chance on the samples that both have named."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import binomtest


def mcnemar(first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    """McNemar's test, exact (McNemar 1947; the binomial form), two-sided.

    ``first`` and ``second`` are bool (N,): whether each model was right on each sample. Samples on
    which both are right or both wrong tell nothing; of the others, were the models alike, each
    would win half.

    Returns:
        ``n``, ``only_first`` and ``only_second`` (samples that this one alone has right), and
        ``p_value`` in (0, 1].
    """
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    differ = only_first + only_second
    p = binomtest(only_first, differ).pvalue if differ else 1.0
    return {
        "n": len(first),
        "only_first": only_first,
        "only_second": only_second,
        "p_value": float(p),
    }
