"""Draws are those of splitmix64, uniform, and independent of other samples."""

import numpy as np
import torch

from bccurate.augmentation.batches import gray_order
from bccurate.augmentation.draws import Draws


def test_bits_are_splitmix64() -> None:
    """The published outputs for the seed 1234567 (Rosetta Code), beside another seed."""
    draws = Draws(torch.tensor([5, 1234567]))
    assert [int(draws.bits()[1]) for _ in range(5)] == [
        6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431,
        16408922859458223821,
    ]  # fmt: skip


def test_draws_are_uniform() -> None:
    """Over 20,000 consecutive seeds: mean, integers, signs and the rows of the simplex."""
    draws = Draws(torch.arange(20_000))
    values = draws.uniform(-1, 3)
    assert abs(values.mean() - 1) < 0.03 and values.min() >= -1 and values.max() < 3
    assert np.bincount(draws.integers(14), minlength=14).min() > 20_000 / 14 * 0.9
    assert abs(draws.signs().mean()) < 0.03
    rows = draws.simplex(3)
    assert np.allclose(rows.sum(1), 1)
    # Dirichlet(1, 1, 1): mean 1/3, variance 1/18.
    assert np.allclose(rows.mean(0), 1 / 3, atol=0.01)
    assert np.allclose(rows.var(0), 1 / 18, atol=0.003)


def test_gray_order_makes_chosen_samples_neighbours() -> None:
    """Of three independent choices the first two are true in one run, the third in two."""
    bits = [np.random.default_rng(i).random(64) < 0.5 for i in range(3)]
    order = gray_order(*bits)
    assert sorted(order) == list(range(64))
    runs = [(np.diff(bit[order].astype(int), prepend=0) == 1).sum() for bit in bits]
    assert runs[0] == 1 and runs[1] == 1 and runs[2] <= 2
