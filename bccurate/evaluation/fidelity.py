"""Measure whether variants keep what makes their class.

Two figures a class: the share of variants that the outlier rule rejects, and the accuracy on
variants of a model that has seen none, beside its accuracy on their sources (the affinity of
Gontijo-Lopes et al. 2021, https://arxiv.org/abs/2002.08973).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bccurate.curation.outliers import intensity_outliers


@dataclass(frozen=True)
class Intensities:
    """Grey values of N images: mean and standard deviation (N,), 0 to 255, and N class names."""

    means: np.ndarray
    stds: np.ndarray
    labels: Sequence[str]


def rejected(variants: Intensities, clean: Intensities, rule: dict[str, Any]) -> np.ndarray:
    """Return which variants the rule of ``curation.outliers`` rejects, bool (N,).

    Args:
        variants: the N variants.
        clean: the images that the bounds are fitted on.
        rule: alpha, statistic, iterate and false_alarms, where they are not the default.
    """
    n = len(clean.labels)
    found = intensity_outliers(
        np.concatenate([clean.means, variants.means]),
        np.concatenate([clean.stds, variants.stds]),
        [*clean.labels, *variants.labels],
        np.arange(n + len(variants.labels)) < n,
        **rule,
    )
    return found.scores[n:] > 0.5


def class_rows(
    labels: Sequence[str],
    outlying: np.ndarray,
    hits: np.ndarray | None = None,
    source_hits: np.ndarray | None = None,
) -> dict[str, dict[str, Any]]:
    """Return, by class: ``n``, share ``rejected``, ``accuracy_sources`` and ``accuracy``.

    Accuracies are None without a model.

    Args:
        labels: of N variants.
        outlying: bool (N,), see ``rejected``.
        hits, source_hits: bool (N,), whether the model names each variant, and its source, rightly.
    """
    names = np.asarray(labels, dtype=object)
    rows = {}
    for label in sorted(set(labels)):
        own = names == label
        rows[label] = {
            "n": int(own.sum()),
            "rejected": float(outlying[own].mean()),
            "accuracy_sources": None if source_hits is None else float(source_hits[own].mean()),
            "accuracy": None if hits is None else float(hits[own].mean()),
        }
    return rows
