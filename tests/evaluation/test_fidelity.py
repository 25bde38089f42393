"""The share of rejected variants and the accuracy on them, worked out by hand."""

from __future__ import annotations

import numpy as np

from bccurate.evaluation.fidelity import Intensities, class_rows, rejected


def _intensities(means: list[float], label: str = "a") -> Intensities:
    return Intensities(np.array(means), np.full(len(means), 20.0), [label] * len(means))


def test_a_variant_beyond_the_bounds_of_clean_images_is_rejected() -> None:
    """Clean means 95 to 105: 100 is within, 60 and 200 are not, and the variants move no bound."""
    clean = _intensities([95, 105] * 50)
    assert rejected(_intensities([100, 60, 200] * 9), clean, {}).tolist() == [False, True, True] * 9


def test_the_rule_of_the_last_outliers_is_used() -> None:
    """With alpha 100 a variant at 60 passes."""
    clean = _intensities([95, 105] * 50)
    assert rejected(_intensities([60]), clean, {"alpha": 100.0}).tolist() == [False]


def test_rows_count_each_class_by_itself() -> None:
    """Class a: 1 of 4 rejected, 2 of 4 right, 3 of 4 sources right; class b: 1 of 1 each."""
    labels = ["a", "b", "a", "a", "a"]
    out = np.array([True, True, False, False, False])
    hits = np.array([False, True, True, True, False])
    sources = np.array([True, True, True, False, True])
    assert class_rows(labels, out, hits, sources) == {
        "a": {"n": 4, "rejected": 0.25, "accuracy_sources": 0.75, "accuracy": 0.5},
        "b": {"n": 1, "rejected": 1.0, "accuracy_sources": 1.0, "accuracy": 1.0},
    }


def test_without_a_model_there_is_no_accuracy() -> None:
    """None, and not 0."""
    (row,) = class_rows(["a"], np.array([False])).values()
    assert row["accuracy"] is None and row["accuracy_sources"] is None
