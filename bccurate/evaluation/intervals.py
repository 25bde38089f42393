"""Compute confidence intervals of shares."""

from __future__ import annotations

import math

Z95 = 1.959963984540054  # two-sided 95 % of the normal distribution


def wilson(hits: float, n: int) -> list[float] | None:
    """Return Wilson's 95 % interval [low, high] of the share ``hits`` / ``n``; None if n is 0.

    Wilson 1927. Unlike the normal approximation it stays within [0, 1] and is not empty at 0 or n
    hits. The same as scipy's ``binomtest(hits, n).proportion_ci(method="wilson")``, which takes
    whole hits only: a mean of several shares is not a whole number of hits.
    """
    if n == 0:
        return None
    share, z2n = hits / n, Z95**2 / n
    centre = (share + z2n / 2) / (1 + z2n)
    half = Z95 * math.sqrt(share * (1 - share) / n + z2n / (4 * n)) / (1 + z2n)
    return [max(0.0, centre - half), min(1.0, centre + half)]
