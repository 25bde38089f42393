"""The consistency loss has the values calculated by hand."""

import math

import torch

from bccurate.learning.consistency import js_consistency


def test_equal_predictions_cost_nothing() -> None:
    """Also if a constant is added to all logits of a row."""
    logits = torch.tensor([[1.0, 2.0, -3.0]])
    assert abs(js_consistency(logits, logits + 5, logits - 7)) < 1e-6


def test_certain_predictions_that_differ() -> None:
    """(1, 0), (0, 1), (1, 0): M = (2/3, 1/3); (2 ln 3/2 + ln 3) / 3. Three corners: ln 3."""
    left, right = torch.tensor([[50.0, 0.0]]), torch.tensor([[0.0, 50.0]])
    expected = (2 * math.log(1.5) + math.log(3)) / 3
    assert math.isclose(js_consistency(left, right, left), expected, rel_tol=1e-5)
    corners = [50 * torch.eye(3)[i : i + 1] for i in range(3)]
    assert math.isclose(js_consistency(*corners), math.log(3), rel_tol=1e-5)


def test_an_undecided_prediction_and_the_mean_of_a_batch() -> None:
    """(1/2, 1/2), (1/2, 1/2), (1, 0) with M = (2/3, 1/3); a second row that agrees halves it."""
    even, corner = torch.zeros(1, 2), torch.tensor([[50.0, 0.0]])
    kl_even = 0.5 * math.log(0.5 / (2 / 3)) + 0.5 * math.log(0.5 / (1 / 3))
    expected = (2 * kl_even + math.log(1.5)) / 3
    assert math.isclose(js_consistency(even, even, corner), expected, rel_tol=1e-5)
    two = js_consistency(even.repeat(2, 1), even.repeat(2, 1), torch.cat([corner, even]))
    assert math.isclose(two, expected / 2, rel_tol=1e-5)


def test_gradients_are_finite_at_the_corners() -> None:
    """For all three, with predictions as sure as they get."""
    logits = [torch.tensor([[200.0, -200.0]]), torch.tensor([[-200.0, 200.0]]), torch.zeros(1, 2)]
    for one in logits:
        one.requires_grad_()
    js_consistency(*logits).backward()
    assert all(torch.isfinite(one.grad).all() for one in logits)
