"""Metrics against scikit-learn and against figures worked out by hand."""

import json

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score
from sklearn.metrics import precision_recall_fscore_support as prfs

from bccurate.errors import InputError
from bccurate.evaluation.metrics import macro_f1, reliability, summarise, wilson

CLASSES = ["a", "b", "c", "never"]


@pytest.fixture
def case() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    targets = rng.integers(0, 3, 200)
    scores = rng.random((200, 4)) * [1, 1, 1, 0] + np.eye(4)[targets] * 0.4
    return targets, (scores / scores.sum(1, keepdims=True)).astype(np.float32)


def test_agrees_with_scikit_learn(case: tuple[np.ndarray, np.ndarray]) -> None:
    """Accuracy, macro F1, per-class figures and confusion are scikit-learn's."""
    targets, probabilities = case
    predictions = probabilities.argmax(1)
    result = summarise(targets, probabilities, CLASSES)
    assert result["n"] == 200
    assert result["accuracy"] == pytest.approx(accuracy_score(targets, predictions))
    expected = f1_score(targets, predictions, average="macro")
    assert result["macro_f1"] == pytest.approx(expected)
    assert macro_f1(targets, predictions, 4) == pytest.approx(expected)
    matrix = confusion_matrix(targets, predictions, labels=range(4))
    assert result["confusion"] == matrix.tolist()
    precision, recall, f1, n = prfs(targets, predictions, labels=range(3))
    for i, label in enumerate("abc"):
        row = result["per_class"][label]
        assert (row["precision"], row["recall"], row["f1"], row["n"]) == pytest.approx(
            (precision[i], recall[i], f1[i], n[i])
        )
    json.dumps(result, allow_nan=False)


def test_a_class_that_never_occurs_has_no_figures(case: tuple[np.ndarray, np.ndarray]) -> None:
    """None, not 0, and it does not lower the macro F1."""
    row = summarise(*case, CLASSES)["per_class"]["never"]
    figures = ("precision", "recall", "f1", "precision_interval", "recall_interval")
    none = dict.fromkeys(figures)
    assert row == {"n": 0, **none}


def test_wilson_by_hand() -> None:
    """8 of 10: [0.4902, 0.9433] (Newcombe 1998's worked form); never empty, never outside."""
    assert wilson(8, 10) == pytest.approx([0.4902, 0.9433], abs=1e-4)
    assert wilson(0, 10)[0] == 0.0 and wilson(0, 10)[1] == pytest.approx(0.2775, abs=1e-4)
    assert wilson(10, 10) == pytest.approx([0.7225, 1.0], abs=1e-4)
    assert wilson(0, 0) is None


def test_intervals_a_class_by_hand() -> None:
    """8 of the class's 10 are found, and 8 of the 12 that are called so are right."""
    targets = np.array([0] * 10 + [1] * 10)
    predictions = np.array([0] * 8 + [1] * 2 + [0] * 4 + [1] * 6)
    row = summarise(targets, np.eye(2)[predictions], ["a", "b"])["per_class"]["a"]
    assert row["recall_interval"] == wilson(8, 10)
    assert row["precision_interval"] == wilson(8, 12)


def test_calibration_error_by_hand() -> None:
    """Two samples at 0.9 with one hit and two at 0.6 with two: (0.4 + 0.4) / 2 = 0.4."""
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    result = summarise(np.array([0, 1, 0, 0]), probabilities, ["a", "b"])
    assert result["ece"] == pytest.approx(0.4)


def test_bins_are_closed_above() -> None:
    """A confidence on an edge falls in the lower bin; 0 and 1 fall in the first and the last."""
    bins = reliability(np.array([0.0, 1 / 15, 1.0]), np.array([True, False, True]))
    assert [row["n"] for row in bins] == [2] + [0] * 13 + [1]
    assert bins[0]["accuracy"] == 0.5 and bins[1]["accuracy"] is None


@pytest.mark.parametrize(
    ("targets", "shape"), [([], (0, 2)), ([0, 1], (2, 3)), ([0, 2], (2, 2)), ([-1, 0], (2, 2))]
)
def test_bad_input(targets: list[int], shape: tuple[int, int]) -> None:
    """No samples, another number of classes, a target out of range: a clear error."""
    with pytest.raises(InputError):
        summarise(np.array(targets, dtype=int), np.full(shape, 0.5), ["a", "b"])


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (8, 10), (10, 10), (977, 1000), (1, 3)])
def test_wilson_equals_scipy(hits: int, n: int) -> None:
    """On whole numbers of hits."""
    expected = binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits, n) == pytest.approx([expected.low, expected.high])
