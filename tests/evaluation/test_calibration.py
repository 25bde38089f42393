"""Temperature scaling against scipy's minimiser, known factors and figures worked out by hand."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from bccurate.errors import InputError
from bccurate.evaluation.calibration import HIGHEST, LOWEST, ece, fit_temperature, nll


def drawn(n: int, seed: int = 0, classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and targets drawn from their very softmax: a model that is calibrated."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, classes))
    targets = (softmax(logits, axis=1).cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return logits, targets


@pytest.mark.parametrize("factor", [0.25, 1.0, 3.0])
def test_a_known_factor_comes_back(factor: float) -> None:
    """Logits of a calibrated model times a factor: the temperature is the factor."""
    logits, targets = drawn(20_000)
    assert fit_temperature(logits * factor, targets) == pytest.approx(factor, rel=0.03)


def test_scaling_is_equivariant() -> None:
    """Logits times 3 have three times the temperature; a shift of a row changes nothing."""
    logits, targets = drawn(500, seed=1)
    base = fit_temperature(logits, targets)
    assert fit_temperature(logits * 3, targets) == pytest.approx(3 * base, rel=1e-9)
    shifted = logits + np.random.default_rng(2).normal(0, 900, (500, 1))
    assert fit_temperature(shifted, targets) == pytest.approx(base, rel=1e-9)


def test_two_classes_by_hand() -> None:
    """Margins of 2, right 3 times in 4: 2 / T is the log odds ln 3, so T = 2 / ln 3."""
    logits = np.array([[2.0, 0.0]] * 4)
    targets = np.array([0, 0, 0, 1])
    temperature = fit_temperature(logits, targets)
    assert temperature == pytest.approx(2 / np.log(3), rel=1e-9)
    assert ece(logits, targets, temperature) == pytest.approx(0, abs=1e-9)
    assert ece(logits, targets) == pytest.approx(1 / (1 + np.exp(-2)) - 0.75)
    assert nll(logits, targets, temperature) == pytest.approx(
        -0.75 * np.log(0.75) - 0.25 * np.log(0.25)
    )


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_a_general_minimiser(seed: int) -> None:
    """scipy's bounded search on the NLL finds no other and no better temperature."""
    logits, targets = drawn(60, seed)
    logits *= 1 + seed
    found = minimize_scalar(lambda t: nll(logits, targets, t), bounds=(LOWEST, HIGHEST),
                            method="bounded", options={"xatol": 1e-9})  # fmt: skip
    temperature = fit_temperature(logits, targets)
    assert temperature == pytest.approx(found.x, rel=1e-4)
    assert nll(logits, targets, temperature) <= min(found.fun, nll(logits, targets)) + 1e-12


def test_the_order_of_classes_never_changes() -> None:
    """A temperature moves confidences, not predictions: ECE at a huge T is accuracy - 1 / C."""
    logits, targets = drawn(300, seed=3)
    accuracy = (logits.argmax(axis=1) == targets).mean()
    assert ece(logits, targets, 1e9) == pytest.approx(accuracy - 1 / 5, abs=1e-6)


@pytest.mark.parametrize(
    ("logits", "targets", "expected"),
    [
        ([[3.0, 0.0], [0.0, 1.0]], [0, 1], LOWEST),  # all right: any sharper is better
        ([[3.0, 0.0], [0.0, 1.0]], [1, 0], HIGHEST),  # all wrong: any flatter is better
        ([[1.0, 1.0], [1.0, 1.0]], [0, 1], 1.0),  # nothing told apart
        ([[1e300, 0.0], [0.0, 1e300]], [0, 1], LOWEST),
        ([[4.0]], [0], 1.0),  # one class
    ],
)
def test_degenerate_cases_end_at_a_bound(
    logits: list[list[float]], targets: list[int], expected: float
) -> None:
    """No overflow, no nan, no endless search."""
    assert fit_temperature(np.array(logits), np.array(targets)) == expected


@pytest.mark.parametrize("logits", [np.empty((0, 2)), np.array([[np.nan, 1.0]]), np.ones((2, 2)),
                                    np.array([[np.inf, 1.0]]), np.ones(1)])  # fmt: skip
def test_bad_input(logits: np.ndarray) -> None:
    """Nothing to fit on, numbers that are none, shapes that do not fit: a clear error."""
    with pytest.raises(InputError):
        fit_temperature(logits, np.zeros(len(logits) % 2, dtype=int))
