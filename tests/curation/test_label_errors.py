"""How likely a label is wrong, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from bccurate.curation.label_errors import (
    METHODS,
    brain_mistakenness,
    class_thresholds,
    likely_labels,
    normalised_margin,
)
from bccurate.curation.label_noise import fit_noise, wrong_by_noise


def test_margin_by_hand() -> None:
    """(1 - (own - best other)) / 2: sure of it 0, undecided 0.5, sure of another 1."""
    probabilities = np.array(
        [[1, 0, 0], [0, 1, 0], [0.4, 0.4, 0.2], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]
    )
    targets = np.array([0, 0, 0, 0, 1])
    assert normalised_margin(probabilities, targets) == pytest.approx([0, 1, 0.5, 0.4, 0.75])


def test_the_probabilities_given_are_not_changed() -> None:
    """The caller's array is read only."""
    probabilities = np.array([[0.5, 0.5]])
    probabilities.flags.writeable = False
    assert normalised_margin(probabilities, np.array([1])).tolist() == [0.5]


@given(st.lists(st.lists(st.floats(0.01, 1), min_size=4, max_size=4), min_size=1, max_size=9))
def test_a_wrong_prediction_scores_above_a_right_one(rows: list[list[float]]) -> None:
    """In [0, 1], and at least 0.5 exactly where the label is not the most probable."""
    probabilities = np.array(rows) / np.sum(rows, axis=1, keepdims=True)
    scores = normalised_margin(probabilities, np.zeros(len(rows), dtype=int))
    assert ((scores >= 0) & (scores <= 1)).all()
    margin = probabilities[:, 0] - probabilities[:, 1:].max(axis=1)
    clear = np.abs(margin) > 1e-12  # a tie is 0.5, or a rounding beside it
    assert ((scores < 0.5) == (margin > 0))[clear].all()


def test_brain_by_hand() -> None:
    """(1 + m exp(-H)) / 2: H is 0 where it is sure, log 2 between two classes."""
    probabilities = np.array([[1, 0, 0], [0, 1, 0], [0.5, 0.5, 0], [0.5, 0.5, 0]])
    found = brain_mistakenness(probabilities, np.array([0, 0, 0, 1]))
    assert found == pytest.approx([0, 1, 0.25, 0.75])


def test_likely_labels_by_hand() -> None:
    """Thresholds 0.6 and 0.7; the class must reach its own, and the likeliest of those wins."""
    probabilities = np.array([[0.9, 0.1], [0.3, 0.7], [0.35, 0.65], [0.25, 0.75]])
    targets = np.array([0, 0, 1, 1])
    assert class_thresholds(probabilities, targets) == pytest.approx([0.6, 0.7])
    assert likely_labels(probabilities, targets).tolist() == [0, 1, 1, 1]


def planted(neighbour: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities that are true ones, labels of which 120 of 2,400 are wrong, and which.

    Four clouds on a circle; the wrong label is the next cloud's, or any.
    """
    rng = np.random.default_rng(7)
    n, classes = 2400, 4
    true = rng.integers(0, classes, n)
    angles = np.arange(classes) * np.pi / 2
    centres = 2 * np.stack([np.cos(angles), np.sin(angles)], 1)
    points = centres[true] + rng.normal(size=(n, 2))
    logs = -((points[:, None] - centres) ** 2).sum(2) / 2
    probabilities = np.exp(logs) / np.exp(logs).sum(1, keepdims=True)
    wrong = np.zeros(n, bool)
    wrong[rng.choice(n, 120, replace=False)] = True
    shift = 1 if neighbour else rng.integers(1, classes, n)
    return probabilities, np.where(wrong, (true + shift) % classes, true), wrong


# cleanlab 2.9.0 on the same arrays: get_label_quality_scores by both methods, and
# compute_confident_joint(calibrate=False) off its diagonal
CLEANLAB = {
    False: (0.6616, 0.7799, [[0, 22, 9, 22], [22, 0, 27, 6], [6, 24, 0, 19], [31, 7, 30, 0]]),
    True: (0.6460, 0.7319, [[0, 13, 2, 33], [36, 0, 23, 1], [1, 39, 0, 13], [20, 1, 43, 0]]),
}


@pytest.mark.parametrize("neighbour", [False, True])
def test_equals_cleanlab_and_finds_at_least_as_much(neighbour: bool) -> None:
    """Its average precisions and confident joint; the default is as good, or better by 0.07."""
    probabilities, targets, wrong = planted(neighbour)
    found = {
        name: average_precision_score(wrong, method(probabilities, targets))
        for name, method in METHODS.items()
    }
    margin, confidence, joint = CLEANLAB[neighbour]
    assert found["margin"] == pytest.approx(margin, abs=1e-4)
    assert found["self-confidence"] == pytest.approx(confidence, abs=1e-4)
    assert next(iter(METHODS)) == "noise"
    assert found["noise"] > confidence + (0.07 if neighbour else -1e-4)
    counts = np.zeros((4, 4), int)
    np.add.at(counts, (targets, likely_labels(probabilities, targets)), 1)
    np.fill_diagonal(counts, 0)
    assert counts.tolist() == joint


@pytest.mark.parametrize("neighbour", [False, True])
def test_the_noise_is_found_as_it_was_planted(neighbour: bool) -> None:
    """A rate of 5 %, to the next class or to any; the probabilities are left as true as they are.

    So the scores add up to about how many labels are wrong.
    """
    probabilities, targets, wrong = planted(neighbour)
    noise = fit_noise(probabilities, targets)
    assert noise.uniform is not neighbour and noise.temperature == pytest.approx(1, abs=0.01)
    assert noise.rates.sum(axis=0) == pytest.approx(np.ones(4))
    assert 1 - np.diag(noise.rates).mean() == pytest.approx(0.05, abs=0.01)
    if neighbour:
        assert min(noise.rates[(true + 1) % 4, true] for true in range(4)) > 0.04
    assert wrong_by_noise(probabilities, targets).sum() == pytest.approx(wrong.sum(), rel=0.15)


def test_noise_of_sure_and_of_few_probabilities() -> None:
    """Zeros, ones and a class without a sample give finite scores in [0, 1]; nothing gives none."""
    probabilities = np.array([[1.0, 0, 0], [0, 1.0, 0], [1.0, 0, 0]])
    scores = wrong_by_noise(probabilities, np.array([0, 1, 1]))
    assert ((scores >= 0) & (scores <= 1)).all() and scores[2] > scores[:2].max()
    assert wrong_by_noise(np.zeros((0, 3)), np.zeros(0, int)).shape == (0,)
