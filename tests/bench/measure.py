"""Measure contenders alternately over several rounds: median and range."""

from __future__ import annotations

import operator
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_SIGNS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


@dataclass(frozen=True)
class Figure:
    """A median ratio with its extremes ``low`` and ``high`` and its goal.

    A goal is a comparison such as ``">= 3"``, or empty.
    """

    what: str
    ratio: float
    low: float
    high: float
    rounds: int
    goal: str = ""
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        """Return a row of the page."""
        spread = f"{_short(self.low)} to {_short(self.high)}"
        return (self.what, _short(self.ratio), spread, f"{self.rounds} rounds", self.goal,
                met(self.ratio, self.goal), self.note)  # fmt: skip


@dataclass(frozen=True)
class Share:
    """A share, ``hits`` of ``n``, with its goal."""

    what: str
    hits: int
    n: int
    goal: str = ""
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        """Return a row of the page."""
        share = self.hits / self.n if self.n else 0.0
        # Rounded down: 0.9996 does not reach a goal of 1.
        return (self.what, f"{int(share * 1000) / 1000:.3f}", "", f"{self.n:,}", self.goal,
                met(share, self.goal), self.note)  # fmt: skip


@dataclass(frozen=True)
class Score:
    """A value between 0 and 1, or a difference of two, over ``n`` samples."""

    what: str
    value: float
    n: int
    goal: str = ""
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        """Return a row of the page."""
        return (self.what, f"{self.value:.4f}", "", f"{self.n:,}", self.goal,
                met(self.value, self.goal), self.note)  # fmt: skip


@dataclass(frozen=True)
class Skipped:
    """A measurement that was skipped, with the reason."""

    what: str
    reason: str
    goal: str = ""

    def cells(self) -> tuple[str, ...]:
        """Return a row of the page."""
        return (self.what, "skipped", "", "", self.goal, "", self.reason)


Row = Figure | Share | Score | Skipped


def met(value: float, goal: str) -> str:
    """Return ``"yes"`` or ``"no"``, or ``""`` without a goal."""
    if not goal:
        return ""
    sign, number = goal.split()
    return "yes" if _SIGNS[sign](value, float(number)) else "no"


def _short(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def interleaved(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each contender in each round; every round runs all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, call in contenders.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def figure(what: str, ratios: list[float], goal: str = "", note: str = "") -> Figure:
    """Return the median of per-round ratios with its extremes."""
    return Figure(
        what, statistics.median(ratios), min(ratios), max(ratios), len(ratios), goal, note
    )


def versus(
    what: str, theirs: Sequence[float], ours: Sequence[float], goal: str = "", note: str = ""
) -> Figure:
    """Return ``theirs`` divided by ``ours`` per round; a slow peer may have fewer rounds."""
    return figure(what, [a / b for a, b in zip(theirs, ours, strict=False)], goal, note)
