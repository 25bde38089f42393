"""Metrics have the values calculated by hand, and their intervals those of scipy."""

import json

import numpy as np
import pytest
from scipy.stats import binomtest

from bccurate.errors import InputError
from bccurate.evaluation.calibration import reliability
from bccurate.evaluation.intervals import wilson
from bccurate.evaluation.metrics import macro_f1, summarise

CLASSES = ["a", "b", "c", "never"]
TARGETS = np.array([0] * 10 + [1] * 10 + [2] * 5)
PREDICTIONS = np.array([0] * 8 + [1] * 2 + [0] * 4 + [1] * 6 + [0] * 5)  # c is never predicted


def _summary() -> dict:
    return summarise(TARGETS, np.eye(4)[PREDICTIONS], CLASSES)


def test_metrics_are_those_calculated_by_hand() -> None:
    """Of 25 samples 14 are right; F1 of a: 16 / 27, of b: 12 / 18, of c: 0."""
    found = _summary()
    assert (found["n"], found["accuracy"]) == (25, pytest.approx(14 / 25))
    assert found["confusion"] == [[8, 2, 0, 0], [4, 6, 0, 0], [5, 0, 0, 0], [0, 0, 0, 0]]
    a, b, c = (found["per_class"][label] for label in "abc")
    assert (a["precision"], a["recall"], a["f1"]) == pytest.approx((8 / 17, 8 / 10, 16 / 27))
    assert (b["precision"], b["recall"], b["f1"]) == pytest.approx((6 / 8, 6 / 10, 12 / 18))
    assert (c["precision"], c["recall"], c["f1"], c["n"]) == (None, 0, 0, 5)
    assert found["macro_f1"] == pytest.approx((16 / 27 + 12 / 18 + 0) / 3)
    assert found["macro_f1"] == macro_f1(TARGETS, PREDICTIONS)
    assert a["recall_interval"] == wilson(8, 10) and a["precision_interval"] == wilson(8, 17)
    json.dumps(found, allow_nan=False)


def test_a_class_that_never_occurs_has_no_metrics() -> None:
    """None, not 0; and it does not lower the macro F1."""
    keys = ("precision", "recall", "f1", "precision_interval", "recall_interval")
    assert _summary()["per_class"]["never"] == {"n": 0, **dict.fromkeys(keys)}


def test_wilson_has_the_published_values() -> None:
    """8 of 10: [0.4902, 0.9433] (Newcombe 1998); never empty, never outside of [0, 1]."""
    assert wilson(8, 10) == pytest.approx([0.4902, 0.9433], abs=1e-4)
    assert wilson(0, 10)[0] == 0.0 and wilson(0, 10)[1] == pytest.approx(0.2775, abs=1e-4)
    assert wilson(10, 10) == pytest.approx([0.7225, 1.0], abs=1e-4)
    assert wilson(0, 0) is None


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (8, 10), (10, 10), (977, 1000), (1, 3)])
def test_wilson_equals_scipy(hits: int, n: int) -> None:
    """For whole numbers of hits, to rounding."""
    expected = binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits, n) == pytest.approx([expected.low, expected.high], abs=1e-14)


def test_the_calibration_error_weights_bins_by_size() -> None:
    """Two samples at 0.9 with one hit and two at 0.6 with two: (0.4 + 0.4) / 2 = 0.4."""
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    result = summarise(np.array([0, 1, 0, 0]), probabilities, ["a", "b"])
    assert result["ece"] == pytest.approx(0.4)


def test_a_confidence_between_two_bins_is_in_the_lower_one() -> None:
    """0 and 1 are in the first and the last bin."""
    bins = reliability(np.array([0.0, 1 / 15, 1.0]), np.array([True, False, True]))
    assert [row["n"] for row in bins] == [2] + [0] * 13 + [1]
    assert bins[0]["accuracy"] == 0.5 and bins[1]["accuracy"] is None


@pytest.mark.parametrize(
    ("targets", "shape"), [([], (0, 2)), ([0, 1], (2, 3)), ([0, 2], (2, 2)), ([-1, 0], (2, 2))]
)
def test_invalid_input_is_refused(targets: list[int], shape: tuple[int, int]) -> None:
    """No samples, another number of classes, a target out of range."""
    with pytest.raises(InputError):
        summarise(np.array(targets, dtype=int), np.full(shape, 0.5), ["a", "b"])
