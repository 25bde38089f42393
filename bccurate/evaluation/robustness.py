"""How well a model does on images that are not as clean as those it was trained on.

figures = robustness(predict, images, targets)
figures["accuracy"], figures["corrupted_accuracy"], figures["families"]["blur"]["accuracy"]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bccurate.errors import InputError, UsageError
from bccurate.evaluation.corruptions.suite import (
    FAMILIES,
    SEVERITIES,
    SUITE,
    VERSION,
    check,
    content_seeds,
    corrupt,
)
from bccurate.evaluation.metrics import wilson
from bccurate.progress import track

BATCH = 256  # images that are held corrupted at once: 7 MB at 96 pixels
CLEAN = ("", 0)  # in the place of a corruption and its severity
Predict = Callable[[np.ndarray], np.ndarray]


def robustness(
    predict: Predict,
    images: np.ndarray,
    targets: np.ndarray,
    severities: Sequence[int] = SEVERITIES,
    corruptions: Sequence[str] = tuple(SUITE),
    batch_size: int = BATCH,
) -> dict[str, Any]:
    """Accuracy of ``predict`` on clean and on corrupted images, in what ``json.dumps`` takes.

    ``images`` uint8 (N, H, W, 3), an array or a mapped file, ``targets`` int (N,), and ``predict``
    takes uint8 (B, H, W, 3) and returns scores (B, C). One batch of each corruption and severity
    is held at a time. The keys:

    - ``suite`` (its version), ``n``, ``severities``;
    - ``accuracy``, ``interval``: of the clean images;
    - ``corrupted_accuracy``, ``corrupted_interval``: the mean over corruptions and severities;
    - ``mean_corruption_error``: 1 less that mean (Hendrycks and Dietterich 2019, section 4.2,
      without the division by AlexNet's errors, which no one has for cells);
    - ``gap``: clean less corrupted accuracy;
    - ``corruptions``: name to family, accuracy, interval and ``severities``, a row each: severity,
      n, accuracy, interval;
    - ``families``: the same over a family's corruptions, all of one weight.

    Intervals are Wilson's at 95 % with the N images as n, also where a figure is a mean of several
    corruptions of the same images: those are no new images.

    Raises:
        UsageError: an unknown corruption or severity, or none.
        InputError: no images, or shapes that do not fit.
    """
    for name in corruptions:
        for severity in severities:
            check(name, severity)
    if not corruptions or not severities:
        raise UsageError("No corruption or no severity is named")
    if not len(images) or len(images) != len(targets):
        raise InputError(f"There are {len(images)} images and {len(targets)} targets")
    hits = _count(predict, images, np.asarray(targets), severities, corruptions, batch_size)
    shares = {key: count / len(images) for key, count in hits.items()}
    return _figures(shares, len(images), list(severities), list(corruptions))


def _count(
    predict: Predict,
    images: np.ndarray,
    targets: np.ndarray,
    severities: Sequence[int],
    corruptions: Sequence[str],
    batch_size: int,
) -> dict[tuple[str, int], int]:
    """Right answers by (corruption, severity)."""
    starts = range(0, len(images), batch_size)
    kinds = [CLEAN, *((name, severity) for name in corruptions for severity in severities)]
    hits = dict.fromkeys(kinds, 0)
    steps = ((start, kind) for start in starts for kind in kinds)
    for start, (name, severity) in track(steps, len(starts) * len(kinds), "corruptions"):
        part = slice(start, start + batch_size)
        if (name, severity) == CLEAN:
            seeds = content_seeds(images[part])
            batch = images[part]
        else:
            batch = corrupt(name, images[part], severity, seeds)
        hits[name, severity] += int((predict(batch).argmax(axis=1) == targets[part]).sum())
    return hits


def _figures(
    shares: dict[tuple[str, int], float], n: int, severities: list[int], corruptions: list[str]
) -> dict[str, Any]:
    clean = shares[CLEAN]
    mean = float(np.mean([shares[name, s] for name in corruptions for s in severities]))
    families = {
        family: [name for name in corruptions if SUITE[name].family == family]
        for family in FAMILIES
    }
    return {
        "suite": VERSION,
        "n": n,
        "severities": severities,
        "accuracy": clean,
        "interval": wilson(clean * n, n),
        "corrupted_accuracy": mean,
        "corrupted_interval": wilson(mean * n, n),
        "mean_corruption_error": 1 - mean,
        "gap": clean - mean,
        "families": {
            family: _row(shares, n, severities, names)
            for family, names in families.items()
            if names
        },
        "corruptions": {
            name: {"family": SUITE[name].family, **_row(shares, n, severities, [name])}
            for name in corruptions
        },
    }


def _row(
    shares: dict[tuple[str, int], float], n: int, severities: list[int], names: list[str]
) -> dict[str, Any]:
    means = [float(np.mean([shares[name, severity] for name in names])) for severity in severities]
    mean = float(np.mean(means))
    return {
        "accuracy": mean,
        "interval": wilson(mean * n, n),
        "severities": [
            {"severity": severity, "n": n, "accuracy": share, "interval": wilson(share * n, n)}
            for severity, share in zip(severities, means, strict=True)
        ],
    }
