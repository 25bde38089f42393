"""AugMix (Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781), one draw an image.

The nine operations of the paper, which leaves out contrast, colour, brightness and sharpness, and
its levels: drawn evenly from 0.1 to the severity, of 10. The loss over three views that belongs to
it is ``learning.consistency``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch

from bccurate.augmentation import colour, geometry
from bccurate.augmentation.batches import Operation, grouped, per_image, pieces, to_nearest_bytes
from bccurate.augmentation.describe import sequence, word
from bccurate.augmentation.draws import Draws

SEVERITY = 3.0
MAX_LEVEL = 10.0
LEAST_LEVEL = 0.1
WIDTH = 3
DEPTH = 3

# (operation, its value at the share m of the largest level on a side of so many pixels, signed)
_Row = tuple[Operation, Callable[[np.ndarray, int], np.ndarray], bool]
OPERATIONS: dict[str, _Row] = {
    "autocontrast": (colour.autocontrast, lambda m, side: m, False),
    "equalize": (colour.equalize, lambda m, side: m, False),
    "posterize": (colour.posterize, lambda m, side: 4 - np.floor(4 * m), False),
    "rotate": (
        partial(geometry.rotate, mode="bilinear"), lambda m, side: np.floor(30 * m), True
    ),
    "solarize": (colour.solarize, lambda m, side: 256 - np.floor(256 * m), False),
    "shear_x": (partial(geometry.shear_x, mode="bilinear"), lambda m, side: 0.3 * m, True),
    "shear_y": (partial(geometry.shear_y, mode="bilinear"), lambda m, side: 0.3 * m, True),
    "translate_x": (geometry.translate_x, lambda m, side: side / 3 * m, True),
    "translate_y": (geometry.translate_y, lambda m, side: side / 3 * m, True),
}  # fmt: skip
_FUNCTIONS = [operation for operation, _, _ in OPERATIONS.values()]


class Step(NamedTuple):
    """One step of a chain, each (N,): index of OPERATIONS (-1 for none), level of 10, sign."""

    chosen: np.ndarray
    levels: np.ndarray
    signs: np.ndarray


class Plan(NamedTuple):
    """All draws of N images: the chains' weights (N, WIDTH), the mix's share (N,), the chains."""

    weights: np.ndarray
    share: np.ndarray
    chains: list[list[Step]]


def augmix(images: torch.Tensor, draws: Draws, severity: float = SEVERITY) -> torch.Tensor:
    """Equation 3: chains of one to three operations, mixed with each other and the original.

    The chains' weights are Dirichlet(1, 1, 1), the mix's Beta(1, 1), which is even on 0 to 1.
    ``images`` uint8 (N, 3, H, W), on any device; so is the result.
    """
    images = images.contiguous()
    plan = drawn(draws, severity)
    return mix(images, _chains(images, plan), plan.weights, plan.share)


def drawn(draws: Draws, severity: float = SEVERITY) -> Plan:
    """All that is random, in the order in which it is drawn."""
    weights = draws.simplex(WIDTH)
    return Plan(weights, draws.uniform(), [_steps(draws, severity) for _ in range(WIDTH)])


def _steps(draws: Draws, severity: float) -> list[Step]:
    depth = 1 + draws.integers(DEPTH)
    return [
        Step(
            np.where(step < depth, draws.integers(len(OPERATIONS)), -1),
            draws.uniform(LEAST_LEVEL, severity),
            draws.signs(),
        )
        for step in range(DEPTH)
    ]


def _chains(images: torch.Tensor, plan: Plan) -> list[torch.Tensor]:
    """The chains' results (N, 3, H, W): their first steps all at once, then their second ones."""
    n = len(images)
    made = images.new_empty((WIDTH * n, *images.shape[1:]))
    first, *others = (
        Step(*(np.concatenate(column) for column in zip(*steps, strict=True)))
        for steps in zip(*plan.chains, strict=True)
    )
    apply(images, *first, into=made, sources=np.tile(np.arange(n), WIDTH))
    for step in others:
        apply(made, *step, into=made)
    return list(made.split(n))


def describe(draws: Draws, side: tuple[int, int], severity: float = SEVERITY) -> list[str]:
    """What ``augmix`` does to images of height and width ``side``, a text an image."""
    plan = drawn(draws, severity)
    chains = [_chain_words(steps, side) for steps in plan.chains]
    return [
        " + ".join(
            [f"{1 - m:.2f} original"]
            + [f"{m * w:.2f} ({words[i]})" for w, words in zip(own, chains, strict=True)]
        )
        for i, (m, own) in enumerate(zip(plan.share, plan.weights, strict=True))
    ]


def _chain_words(steps: list[Step], side: tuple[int, int]) -> list[str]:
    rows = list(OPERATIONS.items())
    done = [(step.chosen, values(*step, side)) for step in steps]
    return [
        sequence(word(rows[c[i]][0], v[i], rows[c[i]][1][2]) for c, v in done if c[i] >= 0)
        for i in range(len(steps[0].chosen))
    ]


def apply(
    images: torch.Tensor,
    chosen: np.ndarray,
    levels: np.ndarray,
    signs: np.ndarray,
    into: torch.Tensor | None = None,
    sources: np.ndarray | None = None,
) -> torch.Tensor:
    """One operation an image: ``chosen`` (N,) of OPERATIONS, -1 for none, at ``levels`` of 10.

    ``into`` and ``sources`` as ``grouped`` has them.
    """
    height, width = images.shape[-2:]
    own = values(chosen, levels, signs, (height, width))
    return grouped(_FUNCTIONS, images, chosen, own, into, sources)


def values(
    chosen: np.ndarray, levels: np.ndarray, signs: np.ndarray, side: tuple[int, int]
) -> np.ndarray:
    """float64 (N,): what the ``chosen`` operations are called with on a height and width."""
    found = np.zeros(len(chosen))
    for index, (name, (_, value, signed)) in enumerate(OPERATIONS.items()):
        rows = chosen == index
        along = side[0 if name.endswith("_y") else 1]
        found[rows] = value(levels[rows] / MAX_LEVEL, along) * (signs[rows] if signed else 1)
    return found


def mix(
    images: torch.Tensor, chains: list[torch.Tensor], weights: np.ndarray, share: np.ndarray
) -> torch.Tensor:
    """(1 - m) x + m sum w_i chain_i, rounded: ``share`` m (N,), ``weights`` w (N, chains)."""
    parts = pieces(images, *chains, 1 - share, share[:, None] * weights)
    return torch.cat([_mixed(*part) for part in parts])


def _mixed(images: torch.Tensor, *given: Any) -> torch.Tensor:
    *chains, original, weights = given
    mixed = images.float().mul_(per_image(original, images))
    for number, chain in enumerate(chains):
        mixed.addcmul_(chain.float(), per_image(weights[:, number], images))
    return to_nearest_bytes(mixed)
