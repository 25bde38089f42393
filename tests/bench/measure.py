"""How a figure is taken: contenders in turn, several rounds, the median and its spread."""

from __future__ import annotations

import operator
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_SIGNS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


@dataclass(frozen=True)
class Figure:
    """One ratio with the goal it is held against; ``low`` and ``high`` are its extremes.

    A goal is a sign and a number, ``">= 3"``, or empty where a figure only informs.
    """

    what: str
    ratio: float
    low: float
    high: float
    rounds: int
    goal: str = ""
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        """A row of the page."""
        spread = f"{_short(self.low)} to {_short(self.high)}"
        return (self.what, _short(self.ratio), spread, f"{self.rounds} rounds", self.goal,
                met(self.ratio, self.goal), self.note)  # fmt: skip


@dataclass(frozen=True)
class Share:
    """``hits`` of ``n``."""

    what: str
    hits: int
    n: int
    goal: str = ""
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        """A row of the page."""
        share = self.hits / self.n if self.n else 0.0
        # Down: 0.9996 of a goal of 1 is no 1.000.
        return (self.what, f"{int(share * 1000) / 1000:.3f}", "", f"{self.n:,}", self.goal,
                met(share, self.goal), self.note)  # fmt: skip


@dataclass(frozen=True)
class Score:
    """A figure between 0 and 1, or a difference of two, over ``n`` samples."""

    what: str
    value: float
    n: int
    goal: str = ""
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        """A row of the page."""
        return (self.what, f"{self.value:.4f}", "", f"{self.n:,}", self.goal,
                met(self.value, self.goal), self.note)  # fmt: skip


@dataclass(frozen=True)
class Skipped:
    """What could not be measured, and why."""

    what: str
    reason: str
    goal: str = ""

    def cells(self) -> tuple[str, ...]:
        """A row of the page."""
        return (self.what, "skipped", "", "", self.goal, "", self.reason)


Row = Figure | Share | Score | Skipped


def met(value: float, goal: str) -> str:
    """``"yes"`` or ``"no"``, or nothing where there is no goal."""
    if not goal:
        return ""
    sign, number = goal.split()
    return "yes" if _SIGNS[sign](value, float(number)) else "no"


def _short(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def interleaved(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each contender in each round; every round runs all, in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, call in contenders.items():
            began = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - began)
    return seconds


def figure(what: str, ratios: list[float], goal: str = "", note: str = "") -> Figure:
    """The median of per-round ratios."""
    return Figure(
        what, statistics.median(ratios), min(ratios), max(ratios), len(ratios), goal, note
    )


def versus(
    what: str, theirs: Sequence[float], ours: Sequence[float], goal: str = "", note: str = ""
) -> Figure:
    """How many times as long they take, round by round; a slow peer may have run fewer rounds."""
    return figure(what, [a / b for a, b in zip(theirs, ours, strict=False)], goal, note)
