"""McNemar's exact test has the p values calculated by hand."""

import numpy as np
import pytest

from bccurate.evaluation.mcnemar import mcnemar


def pair(both: int, first: int, second: int, none: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which samples each model has right, from the four counts of the table."""
    rows = [(True, True)] * both + [(True, False)] * first
    rows += [(False, True)] * second + [(False, False)] * none
    one, two = np.array(rows, dtype=bool).reshape(-1, 2).T
    return one, two


def test_one_against_five() -> None:
    """2 (1 + 6) / 64 = 0.21875; exchanging the models exchanges the counts only."""
    row = mcnemar(*pair(90, 1, 5, 4))
    assert row == {"n": 100, "only_first": 1, "only_second": 5, "p_value": pytest.approx(0.21875)}
    assert mcnemar(*reversed(pair(90, 1, 5, 4)))["p_value"] == pytest.approx(0.21875)


@pytest.mark.parametrize(("first", "second", "p"), [(0, 0, 1.0), (3, 3, 1.0), (0, 6, 2 / 64)])
def test_extreme_counts(first: int, second: int, p: float) -> None:
    """No discordant sample, a tie, and all on one side."""
    assert mcnemar(*pair(7, first, second, 2))["p_value"] == pytest.approx(p)


def test_samples_on_which_both_agree_do_not_count() -> None:
    """A thousand more on which both are right do not change the p value."""
    few, many = (mcnemar(*pair(n, 2, 9, 0))["p_value"] for n in (0, 1000))
    assert few == many
