"""How a figure is taken: contenders in turn, several rounds, the median and its spread."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One ratio with the goal it is held against; ``low`` and ``high`` are its extremes."""

    what: str
    ratio: float
    low: float
    high: float
    rounds: int
    goal: str
    note: str = ""


@dataclass(frozen=True)
class Share:
    """``hits`` of ``n``."""

    what: str
    hits: int
    n: int


def interleaved(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each contender in each round; every round runs all, in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, call in contenders.items():
            began = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - began)
    return seconds


def figure(what: str, ratios: list[float], goal: str, note: str = "") -> Figure:
    """The median of per-round ratios."""
    return Figure(
        what, statistics.median(ratios), min(ratios), max(ratios), len(ratios), goal, note
    )
