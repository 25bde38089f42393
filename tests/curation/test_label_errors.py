"""How likely a label is wrong, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bccurate.curation.label_errors import mistakenness


def test_mistakenness_by_hand() -> None:
    """(1 - (own - best other)) / 2: sure of it 0, undecided 0.5, sure of another 1."""
    probabilities = np.array(
        [[1, 0, 0], [0, 1, 0], [0.4, 0.4, 0.2], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]
    )
    targets = np.array([0, 0, 0, 0, 1])
    assert mistakenness(probabilities, targets) == pytest.approx([0, 1, 0.5, 0.4, 0.75])


def test_the_probabilities_given_are_not_changed() -> None:
    """The caller's array is read only."""
    probabilities = np.array([[0.5, 0.5]])
    probabilities.flags.writeable = False
    assert mistakenness(probabilities, np.array([1])).tolist() == [0.5]


@given(st.lists(st.lists(st.floats(0.01, 1), min_size=4, max_size=4), min_size=1, max_size=9))
def test_a_wrong_prediction_scores_above_a_right_one(rows: list[list[float]]) -> None:
    """In [0, 1], and at least 0.5 exactly where the label is not the most probable."""
    probabilities = np.array(rows) / np.sum(rows, axis=1, keepdims=True)
    scores = mistakenness(probabilities, np.zeros(len(rows), dtype=int))
    assert ((scores >= 0) & (scores <= 1)).all()
    margin = probabilities[:, 0] - probabilities[:, 1:].max(axis=1)
    clear = np.abs(margin) > 1e-12  # a tie is 0.5, or a rounding beside it
    assert ((scores < 0.5) == (margin > 0))[clear].all()
