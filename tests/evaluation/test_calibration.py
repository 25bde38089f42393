"""Temperature scaling finds known factors, values by hand and the minimum of scipy."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from bccurate.errors import InputError
from bccurate.evaluation.calibration import HIGHEST, LOWEST, ece, fit_temperature, nll


def samples(n: int, seed: int = 0, classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Return logits, and targets drawn from their softmax: a calibrated model."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, classes))
    targets = (softmax(logits, axis=1).cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return logits, targets


@pytest.mark.parametrize("factor", [0.25, 1.0, 3.0])
def test_the_temperature_is_the_factor_of_the_logits(factor: float) -> None:
    """If they are those of a calibrated model, multiplied by it."""
    logits, targets = samples(20_000)
    assert fit_temperature(logits * factor, targets) == pytest.approx(factor, rel=0.03)


def test_the_temperature_scales_with_the_logits() -> None:
    """Logits times 3 have three times the temperature; adding a constant to a row has no effect."""
    logits, targets = samples(500, seed=1)
    base = fit_temperature(logits, targets)
    assert fit_temperature(logits * 3, targets) == pytest.approx(3 * base, rel=1e-9)
    shifted = logits + np.random.default_rng(2).normal(0, 900, (500, 1))
    assert fit_temperature(shifted, targets) == pytest.approx(base, rel=1e-9)


def test_two_classes_by_hand() -> None:
    """Margins of 2, correct 3 times in 4: 2 / T is the log odds ln 3, so T = 2 / ln 3."""
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
def test_scipys_minimiser_finds_the_same_temperature(seed: int) -> None:
    """Its bounded search on the NLL finds no better one."""
    logits, targets = samples(60, seed)
    logits *= 1 + seed
    found = minimize_scalar(lambda t: nll(logits, targets, t), bounds=(LOWEST, HIGHEST),
                            method="bounded", options={"xatol": 1e-9})  # fmt: skip
    temperature = fit_temperature(logits, targets)
    assert temperature == pytest.approx(found.x, rel=1e-4)
    assert nll(logits, targets, temperature) <= min(found.fun, nll(logits, targets)) + 1e-12


def test_a_temperature_changes_no_prediction() -> None:
    """Only confidences: the ECE at a huge T is accuracy - 1 / C."""
    logits, targets = samples(300, seed=3)
    accuracy = (logits.argmax(axis=1) == targets).mean()
    assert ece(logits, targets, 1e9) == pytest.approx(accuracy - 1 / 5, abs=1e-6)


@pytest.mark.parametrize(
    ("logits", "targets", "expected"),
    [
        ([[3.0, 0.0], [0.0, 1.0]], [0, 1], LOWEST),  # all correct: the sharper the better
        ([[3.0, 0.0], [0.0, 1.0]], [1, 0], HIGHEST),  # all wrong: the flatter the better
        ([[1.0, 1.0], [1.0, 1.0]], [0, 1], 1.0),  # all logits equal
        ([[1e300, 0.0], [0.0, 1e300]], [0, 1], LOWEST),
        ([[4.0]], [0], 1.0),  # one class
    ],
)
def test_degenerate_cases_end_at_a_bound(
    logits: list[list[float]], targets: list[int], expected: float
) -> None:
    """Without overflow or NaN."""
    assert fit_temperature(np.array(logits), np.array(targets)) == expected


@pytest.mark.parametrize("logits", [np.empty((0, 2)), np.array([[np.nan, 1.0]]), np.ones((2, 2)),
                                    np.array([[np.inf, 1.0]]), np.ones(1)])  # fmt: skip
def test_invalid_input_is_refused(logits: np.ndarray) -> None:
    """No samples, logits that are not finite, shapes that do not fit."""
    with pytest.raises(InputError):
        fit_temperature(logits, np.zeros(len(logits) % 2, dtype=int))
