"""Measure a model's accuracy on corrupted images.

result = robustness(predict, images, targets)
result["accuracy"], result["corrupted_accuracy"], result["families"]["blur"]["accuracy"]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bccurate.errors import InputError, UsageError
from bccurate.evaluation.corruptions.suite import (
    COMBINED,
    FAMILIES,
    KNOWN,
    SEVERITIES,
    SUITE,
    VERSION,
    check,
    content_seeds,
    corrupt,
)
from bccurate.evaluation.intervals import wilson
from bccurate.progress import track

BATCH = 128  # corrupted images in memory at once: 3.5 MB at 96 pixels
Kind = tuple[str, int]  # a corruption and its severity
CLEAN: Kind = ("", 0)
Predict = Callable[[np.ndarray], np.ndarray]


def robustness(
    predict: Predict,
    images: np.ndarray,
    targets: np.ndarray,
    severities: Sequence[int] = SEVERITIES,
    corruptions: Sequence[str] = tuple(KNOWN),
    batch_size: int = BATCH,
) -> dict[str, Any]:
    """Return the accuracy of ``predict`` on clean and corrupted images, serialisable as JSON.

    ``images`` are uint8 (N, H, W, 3), an array or a mapped file, ``targets`` int (N,). ``predict``
    takes uint8 (B, H, W, 3) and returns scores (B, C). One corrupted batch is in memory at a
    time. The keys:

    - ``suite`` (its version), ``n``, ``severities``;
    - ``accuracy``, ``interval``: of the clean images;
    - ``corrupted_accuracy``, ``corrupted_interval``: the mean over corruptions and severities;
    - ``mean_corruption_error``: 1 minus that mean (Hendrycks and Dietterich 2019, section 4.2,
      without the division by AlexNet's errors, which are not known for cells);
    - ``gap``: clean minus corrupted accuracy;
    - ``corruptions``: name to family, accuracy, interval and ``severities``, a row each: severity,
      n, accuracy, interval;
    - ``families``: the same, mean over the corruptions of a family;
    - ``combined``: the same for three corruptions at once, or None; not part of any mean.

    Intervals are Wilson's at 95 % with n = N, also for means over several corruptions, which are
    of the same N images.

    Raises:
        UsageError: an unknown corruption or severity, or no corruption.
        InputError: no images, or shapes that do not fit.
    """
    kinds = kinds_of(severities, corruptions)
    hits = dict(count_hits(predict, images, targets, kinds, batch_size))
    return summarise_hits(hits, len(images))


def kinds_of(
    severities: Sequence[int] = SEVERITIES, corruptions: Sequence[str] = tuple(KNOWN)
) -> list[Kind]:
    """Return ``CLEAN`` and every corruption at every severity.

    Raises:
        UsageError: an unknown corruption or severity, or no corruption of the suite.
    """
    kinds = [(name, severity) for name in corruptions for severity in severities]
    if not kinds or set(corruptions) == {COMBINED.name}:
        raise UsageError("Give at least one corruption of the suite and one severity")
    for name, severity in kinds:
        check(name, severity)
    return [CLEAN, *dict.fromkeys(kinds)]


def count_hits(
    predict: Predict,
    images: np.ndarray,
    targets: np.ndarray,
    kinds: Sequence[Kind],
    batch_size: int = BATCH,
) -> Iterator[tuple[Kind, int]]:
    """Yield each kind with its number of correct predictions; see ``robustness``.

    Raises:
        InputError: no images, or not as many targets.
    """
    if not len(images) or len(images) != len(targets):
        raise InputError(f"There are {len(images)} images and {len(targets)} targets")
    batches = [slice(start, start + batch_size) for start in range(0, len(images), batch_size)]
    seeds = [content_seeds(images[rows]) for rows in batches]
    for name, severity in track(kinds, len(kinds), "corruptions"):
        hits = 0
        for rows, own_seeds in zip(batches, seeds, strict=True):
            batch = images[rows]
            if (name, severity) != CLEAN:
                batch = corrupt(name, batch, severity, own_seeds)
            hits += int((predict(batch).argmax(axis=1) == targets[rows]).sum())
        yield (name, severity), hits


def summarise_hits(hits: Mapping[Kind, int], n: int) -> dict[str, Any]:
    """Return the result of ``robustness`` from the correct predictions on ``n`` images."""
    shares = {kind: count / n for kind, count in hits.items()}
    clean = shares.pop(CLEAN)
    mean = float(np.mean([share for (name, _), share in shares.items() if name in SUITE]))
    counted = {name for name, _ in shares}
    corruptions = [name for name in SUITE if name in counted]
    severities = sorted({severity for _, severity in shares})
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
        "combined": _row(shares, n, severities, [COMBINED.name])
        if COMBINED.name in counted
        else None,
    }


def _row(
    shares: Mapping[Kind, float], n: int, severities: list[int], names: list[str]
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
