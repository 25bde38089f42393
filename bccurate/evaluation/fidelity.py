"""Whether variants keep what makes their class: how far they move from their sources.

Distances are told in spreads of the class: the root mean square distance of its own pictures from
their mean. A variant that moves by 1 is as far from its source as a cell of the class is from the
mean cell. docs/fidelity.md has figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from bccurate.curation.outliers import intensity_outliers

MOST_REJECTED = 0.2  # of a class's variants, by the outlier rule
MOST_LOST = 0.1  # of the accuracy of a model trained on clean pictures
LOOKS = {"intensity_mean": slice(0, 1), "intensity_std": slice(1, 2), "colour": slice(2, 5)}
EVEN = 1e-6  # a spread below it is rounding: a class of equals has none

# sRGB to linear light (IEC 61966-2-1), and linear light to XYZ over the white D65.
LEVELS = np.arange(256)
_SHARES = LEVELS / 255
LINEAR = np.where(_SHARES <= 0.04045, _SHARES / 12.92, ((_SHARES + 0.055) / 1.055) ** 2.4)
_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375],
                 [0.2126729, 0.7151522, 0.0721750],
                 [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip
_XYZ_OVER_WHITE = _XYZ / _XYZ.sum(axis=1, keepdims=True)
_KNEE = 6 / 29

Candidate = TypeVar("Candidate")


@dataclass(frozen=True)
class Seen:
    """What was measured of N pictures.

    Attributes:
        looks: float64 (N, 5), see ``look``.
        features: of a trained model, (N, D), or None where there is none.
        hits: bool (N,), whether a model trained on clean pictures is right, or None.
    """

    looks: np.ndarray
    features: np.ndarray | None = None
    hits: np.ndarray | None = None

    @classmethod
    def join(cls, parts: Sequence[Seen]) -> Seen:
        """All pictures of ``parts``, in their order."""
        if not parts:
            return cls(np.empty((0, 5)))
        columns = ([getattr(part, name) for part in parts] for name in ("features", "hits"))
        features, hits = (
            None if any(own is None for own in column) else np.concatenate(column)
            for column in columns
        )
        return cls(np.concatenate([part.looks for part in parts]), features, hits)

    def part(self, rows: np.ndarray) -> Seen:
        """The pictures ``rows``, int (M,)."""
        features = None if self.features is None else self.features[rows]
        return Seen(self.looks[rows], features, None if self.hits is None else self.hits[rows])


def look(rgb: np.ndarray) -> np.ndarray:
    """Mean and deviation of the grey values, 0 to 255, and the mean colour as L*, a*, b*.

    Grey values are those of the outlier rule. The mean colour is the CIELAB (CIE 15, D65) of the
    mean light, as from so far that the picture is a dot. ``rgb`` uint8 (H, W, 3), sRGB.
    """
    picture = Image.fromarray(rgb)
    grey = np.array(picture.convert("L").histogram()) / rgb[..., 0].size
    mean = grey @ LEVELS
    light = np.array(picture.histogram()).reshape(3, 256) @ LINEAR / rgb[..., 0].size
    return np.array([mean, np.sqrt(grey @ (LEVELS - mean) ** 2), *cielab(light)])


def cielab(light: np.ndarray) -> np.ndarray:
    """L*, a*, b* of linear red, green and blue (3,), each 0 to 1, under D65."""
    ratio = _XYZ_OVER_WHITE @ light
    x, y, z = np.where(ratio > _KNEE**3, np.cbrt(ratio), ratio / (3 * _KNEE**2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def spread(points: np.ndarray) -> float:
    """Root mean square distance of ``points`` (N, D) from their mean."""
    return float(np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean()))


def distance(sources: np.ndarray, variants: np.ndarray, origin: np.ndarray) -> float:
    """Median Euclidean distance of ``variants`` (N, D) from ``sources[origin]``.

    Of CIELAB colours that is the Delta E of CIE 1976; about 2.3 is just noticeable (Mahy, Van
    Eycken and Oosterlinck 1994).
    """
    return float(np.median(np.linalg.norm(variants - sources[origin], axis=1)))


def rejected(
    looks: np.ndarray,
    labels: Sequence[str],
    clean: tuple[np.ndarray, np.ndarray, Sequence[str]],
    rule: dict[str, Any],
) -> np.ndarray:
    """bool (N,): which variants the rule of ``curation.outliers`` calls outliers.

    Args:
        looks: (N, 5) of the variants.
        labels: N class names.
        clean: intensity mean (M,), deviation (M,) and labels of the pictures that the bounds are
            taken from.
        rule: alpha, statistic, iterate and false_alarms, where they are not the default.
    """
    means, stds, names = clean
    reference = np.arange(len(means) + len(looks)) < len(means)
    found = intensity_outliers(
        np.concatenate([means, looks[:, 0]]),
        np.concatenate([stds, looks[:, 1]]),
        [*names, *labels],
        reference,
        **rule,
    )
    return found.scores[len(means) :] > 0.5


def class_row(
    sources: Seen, variants: Seen, origin: np.ndarray, outlying: np.ndarray
) -> dict[str, Any]:
    """One class: ``n``; median movement in spreads of the sources, for each of ``LOOKS`` and
    ``embedding``; ``delta_e`` of the colour; ``rejected`` share; accuracy on sources and variants.

    A value is None where there is no model, or the class has no spread.

    Args:
        sources, variants: of the class, S distinct sources and N variants.
        origin: int (N,) index into the sources.
        outlying: bool (N,), see ``rejected``.
    """
    row: dict[str, Any] = {"n": len(variants.looks)}
    for name, columns in LOOKS.items():
        row[name] = _in_spreads(sources.looks[:, columns], variants.looks[:, columns], origin)
    colour = LOOKS["colour"]
    row["delta_e"] = distance(sources.looks[:, colour], variants.looks[:, colour], origin)
    both = sources.features is not None and variants.features is not None
    row["embedding"] = _in_spreads(sources.features, variants.features, origin) if both else None
    row["rejected"] = float(outlying.mean())
    row["accuracy_sources"] = None if sources.hits is None else float(sources.hits[origin].mean())
    row["accuracy"] = None if variants.hits is None else float(variants.hits.mean())
    return row


def _in_spreads(sources: Any, variants: Any, origin: np.ndarray) -> float | None:
    own = spread(sources)
    return distance(sources, variants, origin) / own if own > EVEN else None


def destroyed(row: dict[str, Any]) -> bool:
    """Whether more than a fifth is rejected, or the accuracy falls by more than 0.1."""
    lost = (row["accuracy_sources"] or 0) - (row["accuracy"] or 0)
    return bool(row["rejected"] > MOST_REJECTED or lost > MOST_LOST + 1e-9)


def milder(noise: float, magnitude: float, least: float = 0.0) -> list[tuple[float, float]]:
    """Pairs of noise and magnitude to try in turn: less noise, weaker operations, then both.

    No magnitude is below ``least``.
    """
    quieter = [noise / 2, noise / 4, 0.0] if noise else []
    weaker = [max(least, magnitude * share) for share in (2 / 3, 1 / 3, 1 / 9)]
    pairs = [(n, magnitude) for n in quieter] + [(noise, m) for m in weaker]
    if noise:
        pairs += zip((noise / 4, noise / 4, 0.0), weaker, strict=True)
    return [(round(n, 4), round(m, 2)) for n, m in pairs]


def first_that_keeps(
    candidates: Iterable[Candidate],
    labels: Iterable[str],
    measure: Callable[[Candidate, set[str]], dict[str, dict[str, Any]]],
) -> dict[str, Candidate | None]:
    """For each of ``labels`` the first candidate whose row is not ``destroyed``, else None.

    ``measure`` gives the rows of the classes asked for; classes that are done are not asked again.
    """
    found: dict[str, Candidate | None] = dict.fromkeys(labels)
    for candidate in candidates:
        open_ = {label for label, choice in found.items() if choice is None}
        if not open_:
            break
        for label, row in measure(candidate, open_).items():
            if not destroyed(row):
                found[label] = candidate
    return found
