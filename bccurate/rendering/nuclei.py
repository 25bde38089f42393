"""Shapes of nuclei, as fields inside a cell that is the unit disc.

Every function takes ``x, y`` (S, S) float32 in units of the cell's radius and a generator, and
gives a field (S, S) that is positive inside the nucleus.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bccurate.rendering.canvas import ellipse

Nucleus = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]
FULL_TURN = 2 * np.pi


def disc(low: float, high: float, offset: float, stretch: float = 1.15) -> Nucleus:
    """One round to oval body of radius ``low`` to ``high``, off the centre by up to ``offset``."""

    def nucleus(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        radius, angle = rng.uniform(low, high), rng.uniform(0, FULL_TURN)
        shift = rng.uniform(0, offset)
        centre = (shift * np.cos(angle), shift * np.sin(angle))
        ratio = rng.uniform(1, stretch)
        turn = rng.uniform(0, FULL_TURN)
        return ellipse(x, y, centre, (radius * ratio, radius / ratio), turn)

    return nucleus


def lobes(fewest: int, most: int, size: tuple[float, float], arc: float) -> Nucleus:
    """Lobes of radius ``size`` (low, high) strung along an arc about ``arc`` from the centre."""

    def nucleus(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        count = int(rng.integers(fewest, most + 1))
        angle, away = rng.uniform(0, FULL_TURN), arc * rng.uniform(0.75, 1.15)
        field = np.full_like(x, -9)
        last: tuple[float, float] | None = None
        for _ in range(count):
            bent = away * rng.uniform(0.7, 1.15)
            centre = (bent * np.cos(angle), bent * np.sin(angle))
            radius, ratio = rng.uniform(*size), rng.uniform(1.05, 1.4)
            turn = angle + np.pi / 2 + rng.normal(0, 0.5)
            lobe = ellipse(x, y, centre, (radius * ratio, radius / ratio), turn)
            np.maximum(field, lobe, out=field)
            if last is not None:
                np.maximum(field, _bridge(x, y, last, centre, 0.35 * size[0]), out=field)
            last = centre
            angle += radius * rng.uniform(1.7, 2.3) / away
        return field

    return nucleus


def _bridge(
    x: np.ndarray, y: np.ndarray, one: tuple[float, float], other: tuple[float, float], width: float
) -> np.ndarray:
    """The strand of chromatin that ties two lobes."""
    middle = ((one[0] + other[0]) / 2, (one[1] + other[1]) / 2)
    dx, dy = other[0] - one[0], other[1] - one[1]
    return ellipse(x, y, middle, (np.hypot(dx, dy) / 2 + 0.02, width), np.arctan2(dy, dx))


def kidney(low: float, high: float, bite: tuple[float, float]) -> Nucleus:
    """An oval of radius ``low`` to ``high`` with a notch of radius ``bite`` (low, high)."""

    def nucleus(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        radius, angle = rng.uniform(low, high), rng.uniform(0, FULL_TURN)
        away = np.array([np.cos(angle), np.sin(angle)])
        ratio = rng.uniform(1.05, 1.25)
        body = ellipse(x, y, tuple(-0.12 * away), (radius / ratio, radius * ratio), angle)
        size = rng.uniform(*bite)
        notch = tuple(away * radius * rng.uniform(0.6, 1.0))
        return np.minimum(body, -ellipse(x, y, notch, (size * 1.5, size), angle))

    return nucleus


def either(*choices: Nucleus) -> Nucleus:
    """One of ``choices``, each as likely."""

    def nucleus(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return choices[int(rng.integers(len(choices)))](x, y, rng)

    return nucleus
