"""The paper's equations 1 and 2, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bccurate.curation.outliers import bound_of_class, intensity_outliers, smallest_class


def _score(means, stds=None, labels=None, reference=None, **options):
    n = len(means)
    found = intensity_outliers(
        np.array(means, dtype=float),
        np.zeros(n) if stds is None else np.array(stds, dtype=float),
        labels or ["a"] * n,
        np.ones(n, dtype=bool) if reference is None else np.array(reference),
        **{"false_alarms": 0, **options},
    )
    return found.scores, found.per_class


def test_both_equations_by_hand() -> None:
    """Means 0, 0, 0, 4: mu 1, sigma sqrt 3; z is 1/sqrt 3 and sqrt 3; score z / (z + alpha)."""
    scores, per_class = _score([0, 0, 0, 4], alpha=1.5)
    low, high = 1 / math.sqrt(3), math.sqrt(3)
    assert scores == pytest.approx([low / (low + 1.5)] * 3 + [high / (high + 1.5)])
    assert per_class["a"]["n"] == 4 and per_class["a"]["outliers"] == 1
    assert per_class["a"]["mean"] == pytest.approx(
        {"centre": 1, "spread": high, "low": 1 - 1.5 * high, "high": 1 + 1.5 * high}
    )
    assert per_class["a"]["std"] == {"centre": 0, "spread": 0, "low": 0, "high": 0}
    assert np.array_equal(_score([5] * 4, [0, 0, 0, 4], alpha=1.5)[0], scores)  # equation 2


def test_the_larger_deviation_of_the_two_counts() -> None:
    """z of 3 in one and 1/3 in the other is 3."""
    scores, _ = _score([0] * 9 + [10], [0, 10] + [0] * 8, alpha=2.9)
    assert scores[9] == scores[1] == pytest.approx(3 / 5.9)
    assert scores[2] == pytest.approx((1 / 3) / (1 / 3 + 2.9))


def test_exactly_on_the_bound_is_no_outlier_and_half() -> None:
    """Means -1, 1: both lie one spread away; with alpha 1 the score is 0.5."""
    scores, per_class = _score([-1, 1], alpha=1.0)
    assert scores.tolist() == [0.5, 0.5]
    assert per_class["a"]["outliers"] == 0


def test_classes_are_judged_by_their_own_bounds() -> None:
    """What is far out in one class is the middle of another."""
    means = [0] * 10 + [100] + [100] * 10 + [0]
    scores, per_class = _score(means, labels=["a"] * 11 + ["b"] * 11)
    assert np.flatnonzero(scores > 0.5).tolist() == [10, 21]
    assert list(per_class) == ["a", "b"]


def test_median_mad_by_hand() -> None:
    """1, 2, 3, 4, 100: median 3, MAD 1, spread 1.4826; only 100 is far out at 3.5."""
    scores, per_class = _score([1, 2, 3, 4, 100], statistic="median-mad", alpha=3.5)
    assert per_class["a"]["mean"]["centre"] == 3
    assert per_class["a"]["mean"]["spread"] == pytest.approx(1.4826)
    z = 97 / 1.4826
    assert scores[4] == pytest.approx(z / (z + 3.5))
    assert (scores > 0.5).tolist() == [False] * 4 + [True]


def test_iterating_unmasks_what_a_group_hides() -> None:
    """20 of 100 at one place hide themselves behind their own deviation; a second look does not.

    One picture at 1000 hides six at 300: found first, then they are found without it.
    """
    means = [*range(100), 300, 300, 300, 300, 300, 300, 1000]
    once = _score(means)[0] > 0.5
    again = _score(means, iterate=True)[0] > 0.5
    assert np.flatnonzero(once).tolist() == [106]
    assert np.flatnonzero(again).tolist() == list(range(100, 107))


def test_bounds_come_from_the_reference_alone() -> None:
    """Copies left out of the reference are still scored; without any reference all count."""
    means = [0, 1, 0, 1, 0, 1] + [50] * 6
    scores, per_class = _score(means, reference=[True] * 6 + [False] * 6)
    assert per_class["a"]["mean"]["centre"] == 0.5
    assert (scores > 0.5).tolist() == [False] * 6 + [True] * 6
    _, all_of_them = _score(means, reference=[False] * 12)
    assert all_of_them["a"]["mean"]["centre"] == 25.25


@pytest.mark.parametrize("statistic", ["mean-std", "median-mad"])
@pytest.mark.parametrize("iterate", [False, True])
def test_a_constant_class_and_a_class_of_one_have_no_outlier(statistic, iterate) -> None:
    """Scores are 0, not a division by nothing."""
    scores, per_class = _score(
        [88.1] * 5 + [7], labels=["a"] * 5 + ["b"], statistic=statistic, iterate=iterate
    )
    assert scores.tolist() == [0] * 6
    assert per_class["b"] == {
        "n": 1,
        "outliers": 0,
        "alpha": 3.0,
        "mean": {"centre": 7, "spread": 0, "low": 7, "high": 7},
        "std": {"centre": 0, "spread": 0, "low": 0, "high": 0},
    }


def test_no_samples_at_all() -> None:
    """Nothing in, nothing out."""
    scores, per_class = _score([])
    assert len(scores) == 0 and per_class == {}


@given(
    st.lists(st.floats(0, 255), min_size=1, max_size=30),
    st.floats(0.1, 10),
    st.sampled_from(["mean-std", "median-mad"]),
    st.booleans(),
)
def test_scores_lie_in_0_to_1_and_half_is_the_bound(means, alpha, statistic, iterate) -> None:
    """Above 0.5 exactly where a bound of the row is passed, but for the last bits."""
    scores, per_class = _score(means, alpha=alpha, statistic=statistic, iterate=iterate)
    assert ((scores >= 0) & (scores <= 1)).all()
    bounds = per_class["a"]["mean"]
    for mean, score in zip(means, scores, strict=True):
        if score > 0.5:
            assert mean <= bounds["low"] + 1e-6 or mean >= bounds["high"] - 1e-6
        else:
            assert bounds["low"] - 1e-5 <= mean <= bounds["high"] + 1e-5


def test_the_smallest_class_that_can_have_an_outlier() -> None:
    """sqrt(n - 1) passes 3 at 11 (3.16), 2.5 at 8 (2.65), 2 at 6 (2.24), 1.5 at 4 (1.73)."""
    assert [smallest_class(a) for a in (3, 2.5, 2, 1.5, 1e-9)] == [11, 8, 6, 4, 2]
    assert smallest_class(1e6) == 10**12 + 2  # at once


@pytest.mark.parametrize("alpha", [1.5, 2.0, 2.5, 3.0])
def test_one_picture_apart_is_found_from_that_size_on(alpha: float) -> None:
    """In a class of n - 1 nothing can be flagged; in one of n the farthest possible is."""
    n = smallest_class(alpha)
    assert _score([0] * (n - 1) + [200], alpha=alpha)[1]["a"]["outliers"] == 1
    assert _score([0] * (n - 2) + [200], alpha=alpha)[1]["a"]["outliers"] == 0


def test_false_alarms_widen_the_bound_of_large_classes_only() -> None:
    """Two-sided normal tails of 1 in n: 3 up to 370 images, 3.29 at 998, 3.89 at 9,977.

    From a table of the normal distribution: P(|z| > 3.2905) = 0.001 and P(|z| > 3.8906) = 0.0001.
    """
    assert [bound_of_class(3.0, n, 1.0) for n in (1, 2, 11, 370)] == [3.0] * 4
    assert bound_of_class(3.0, 1000, 1.0) == pytest.approx(3.2905, abs=1e-4)
    assert bound_of_class(3.0, 10_000, 1.0) == pytest.approx(3.8906, abs=1e-4)
    assert bound_of_class(3.0, 500, 0.5) == pytest.approx(3.2905, abs=1e-4)  # Chauvenet's own
    assert bound_of_class(3.0, 10**6, 0) == 3.0 and bound_of_class(4.5, 1000, 1.0) == 4.5
    assert bound_of_class(0.5, 2, 1e300) == 0.5


def test_the_bound_goes_by_the_reference_images_and_is_told() -> None:
    """Copies do not widen it: 1,000 originals and 9,000 copies have the bound of 1,000."""
    rng = np.random.default_rng(0)
    means = rng.normal(0, 1, 10_000)
    _, per_class = _score(means, reference=np.arange(10_000) < 1000, false_alarms=1.0)
    row = per_class["a"]
    assert row["alpha"] == bound_of_class(3.0, 1000, 1.0)
    reach = row["alpha"] * row["mean"]["spread"]
    assert row["mean"]["high"] == pytest.approx(row["mean"]["centre"] + reach)


@pytest.mark.parametrize("statistic", ["mean-std", "median-mad"])
def test_about_one_false_alarm_an_equation_in_a_clean_class(statistic: str) -> None:
    """5,000 normal images a class, 20 classes: 2 a class are expected, 13.5 at 3 spreads."""
    rng = np.random.default_rng(1)
    n, labels = 100_000, np.repeat([f"c{i:02d}" for i in range(20)], 5000).tolist()
    means, stds = rng.normal(120, 9, n), rng.normal(40, 4, n)
    found = (_score(means, stds, labels, statistic=statistic, false_alarms=1.0)[0] > 0.5).sum()
    assert 20 <= found <= 65  # Poisson of mean 40, four deviations
    assert (_score(means, stds, labels, statistic=statistic)[0] > 0.5).sum() > 400


def test_the_equation_that_is_passed_furthest_is_named() -> None:
    """One image is out by its mean, the other by its deviation."""
    found = intensity_outliers(
        np.array([0.0] * 19 + [10]),
        np.array([0.0] * 18 + [10, 0]),
        ["a"] * 20,
        np.ones(20, dtype=bool),
    )
    assert found.equations[[19, 18]].tolist() == [0, 1]
    assert np.flatnonzero(found.scores > 0.5).tolist() == [18, 19]
