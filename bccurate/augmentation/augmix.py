"""Apply AugMix (Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781), drawn per image.

With the nine operations of the paper, which omits contrast, colour, brightness and sharpness, at
levels drawn uniformly from 0.1 to the severity, of 10. Its loss over three views is
``learning.consistency``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch

from bccurate.augmentation import colour, geometry
from bccurate.augmentation.batches import (
    Operation,
    apply_per_image,
    cache_sized,
    per_image,
    to_nearest_bytes,
)
from bccurate.augmentation.describe import describe_operation, describe_sequence
from bccurate.augmentation.draws import Draws

SEVERITY = 3.0
MAX_LEVEL = 10.0
MIN_LEVEL = 0.1
WIDTH = 3
DEPTH = 3

# (operation, its value at the share m of the maximum level on a side in pixels, signed)
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
    """One step of a chain; all (N,): index of OPERATIONS (-1 for none), level of 10, sign."""

    chosen: np.ndarray
    levels: np.ndarray
    signs: np.ndarray


class Plan(NamedTuple):
    """All random draws of N images.

    Attributes:
        weights: of the chains, (N, WIDTH).
        share: of the chains in the result, (N,); the rest is the original.
        chains: WIDTH lists of DEPTH steps.
    """

    weights: np.ndarray
    share: np.ndarray
    chains: list[list[Step]]


def augmix(images: torch.Tensor, draws: Draws, severity: float = SEVERITY) -> torch.Tensor:
    """Return the paper's equation 3: chains of one to three operations, mixed with the original.

    The chains' weights are drawn from Dirichlet(1, 1, 1), the share of the chains from Beta(1, 1),
    which is uniform on 0 to 1. ``images`` and the result are uint8 (N, 3, H, W), on any device.
    """
    images = images.contiguous()
    plan = draw_plan(draws, severity)
    return mix(images, _chains(images, plan), plan.weights, plan.share)


def draw_plan(draws: Draws, severity: float = SEVERITY) -> Plan:
    """Draw all random numbers, in a fixed order."""
    weights = draws.simplex(WIDTH)
    return Plan(weights, draws.uniform(), [_steps(draws, severity) for _ in range(WIDTH)])


def _steps(draws: Draws, severity: float) -> list[Step]:
    depth = 1 + draws.integers(DEPTH)
    return [
        Step(
            np.where(step < depth, draws.integers(len(OPERATIONS)), -1),
            draws.uniform(MIN_LEVEL, severity),
            draws.signs(),
        )
        for step in range(DEPTH)
    ]


def _chains(images: torch.Tensor, plan: Plan) -> list[torch.Tensor]:
    """Return the chains' results, each (N, 3, H, W); a step of all chains is one batch."""
    n = len(images)
    out = images.new_empty((WIDTH * n, *images.shape[1:]))
    first, *others = (
        Step(*(np.concatenate(column) for column in zip(*steps, strict=True)))
        for steps in zip(*plan.chains, strict=True)
    )
    apply(images, *first, into=out, sources=np.tile(np.arange(n), WIDTH))
    for step in others:
        apply(out, *step, into=out)
    return list(out.split(n))


def describe(draws: Draws, side: tuple[int, int], severity: float = SEVERITY) -> list[str]:
    """Describe what ``augmix`` does to images of height and width ``side``, one text per image."""
    plan = draw_plan(draws, severity)
    chains = [_describe_chain(steps, side) for steps in plan.chains]
    return [
        " + ".join(
            [f"{1 - m:.2f} original"]
            + [f"{m * w:.2f} ({texts[i]})" for w, texts in zip(row, chains, strict=True)]
        )
        for i, (m, row) in enumerate(zip(plan.share, plan.weights, strict=True))
    ]


def _describe_chain(steps: list[Step], side: tuple[int, int]) -> list[str]:
    rows = list(OPERATIONS.items())
    done = [(step.chosen, values(*step, side)) for step in steps]
    return [
        describe_sequence(
            describe_operation(rows[c[i]][0], v[i], rows[c[i]][1][2]) for c, v in done if c[i] >= 0
        )
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
    """Apply one operation per image: ``chosen`` (N,) of OPERATIONS, or -1, at ``levels`` of 10.

    ``into`` and ``sources`` are those of ``apply_per_image``.
    """
    height, width = images.shape[-2:]
    arguments = values(chosen, levels, signs, (height, width))
    return apply_per_image(_FUNCTIONS, images, chosen, arguments, into, sources)


def values(
    chosen: np.ndarray, levels: np.ndarray, signs: np.ndarray, side: tuple[int, int]
) -> np.ndarray:
    """Return the arguments of the ``chosen`` operations for a height and width, float64 (N,)."""
    arguments = np.zeros(len(chosen))
    for index, (name, (_, value, signed)) in enumerate(OPERATIONS.items()):
        rows = chosen == index
        length = side[0 if name.endswith("_y") else 1]
        arguments[rows] = value(levels[rows] / MAX_LEVEL, length) * (signs[rows] if signed else 1)
    return arguments


def mix(
    images: torch.Tensor, chains: list[torch.Tensor], weights: np.ndarray, share: np.ndarray
) -> torch.Tensor:
    """Return (1 - m) x + m sum w_i chain_i, rounded; ``share`` m (N,), ``weights`` w (N, WIDTH)."""
    parts = cache_sized(images, *chains, 1 - share, share[:, None] * weights)
    return torch.cat([_mixed(*part) for part in parts])


def _mixed(images: torch.Tensor, *arrays: Any) -> torch.Tensor:
    *chains, original, weights = arrays
    mixed = images.float().mul_(per_image(original, images))
    for number, chain in enumerate(chains):
        mixed.addcmul_(chain.float(), per_image(weights[:, number], images))
    return to_nearest_bytes(mixed)
