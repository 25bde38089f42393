"""What ``augment`` measures of the variants that it wrote; see ``evaluation.fidelity``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bccurate.files import sha256
from bccurate.hub import views
from bccurate.hub.read import columns, label_path, labelled
from bccurate.workflows.fidelity_reference import Bench, Yardstick, yardstick

if TYPE_CHECKING:
    from bccurate.evaluation.fidelity import Seen

PER_CLASS = 200  # variants measured, at most
IN_ALL = 2000
TRIED = 30  # sources a class, for each milder setting
SHOWN = 2  # sources a class on the picture sheet
BESIDE = 3  # variants of each, at most
HARM = ("rejected", "accuracy_sources", "accuracy")

Row = dict[str, Any]


@dataclass(frozen=True, order=True)
class _Pair:
    """A variant and its source, as paths, and the label of both."""

    label: str
    source: str
    variant: str


@dataclass(frozen=True)
class _Setting:
    """What made the variants; ``magnitude`` is as it was applied."""

    kind: str
    noise: float
    magnitude: float


def measure_fidelity(
    hub: Any, kind: str, noise: float, magnitude: float | None, stored: Row | None
) -> tuple[Row | None, list[str]]:
    """How far the variants of the view ``kind`` are from their sources, class by class.

    Measured are at most ``PER_CLASS`` variants a class and ``IN_ALL`` together.

    Args:
        hub: the dataset.
        kind: the view, and what made it.
        noise, magnitude: of the variants; milder ones are tried where a class is destroyed.
        stored: what an earlier call returned; returned again where nothing has changed since.

    Returns:
        ``of`` (a checksum of all that was measured), ``noise``, ``magnitude``, ``model``,
        ``classes`` (see ``evaluation.fidelity.class_row``; with ``destroyed`` and the
        ``suggestion``, the first milder setting that keeps the class, or None), ``suggestion``
        (the least of those), ``mildest`` (the last setting tried; a class that none keeps tells
        what it does to it) and ``pictures`` for the sheet; None without variants. Then the
        warnings.
    """
    from bccurate.augmentation.variants import strength_of

    pairs = _sampled(_pairs(hub, kind))
    if not pairs:
        return None, []
    given = yardstick(hub)
    setting = _Setting(kind, noise, strength_of(kind, magnitude))
    of = _checksum(pairs, given, setting)
    if stored is None or stored["of"] != of:
        head = {"of": of, "noise": noise, "magnitude": setting.magnitude, "model": given.model}
        stored = head | _Measurement(hub.name, pairs, given, setting).outcome()
    return stored, _warnings(stored, kind)


def _pairs(hub: Any, kind: str) -> list[_Pair]:
    """The variants whose sources are for training."""
    sources = labelled(views.clean(hub).match_tags("train"))
    rows = zip(*columns(sources, "id", "filepath", label_path(hub)), strict=True)
    known = {sample: (own, path) for sample, path, own in rows}
    variants = hub.match_tags([kind, views.VARIANT], all=True)
    rows = zip(*columns(variants, "source_id", "filepath"), strict=True)
    return sorted(_Pair(*known[source], path) for source, path in rows if source in known)


def _sampled(pairs: list[_Pair]) -> list[_Pair]:
    """At most so many of each class, spread evenly."""
    by_label: dict[str, list[_Pair]] = {}
    for pair in pairs:
        by_label.setdefault(pair.label, []).append(pair)
    most = max(1, min(PER_CLASS, IN_ALL // max(1, len(by_label))))
    return [pair for own in by_label.values() for pair in _evenly(own, most)]


def _evenly(items: list[_Pair], most: int) -> list[_Pair]:
    n = min(len(items), most)
    return [items[i * len(items) // n] for i in range(n)]


def _checksum(pairs: list[_Pair], given: Yardstick, setting: _Setting) -> str:
    means, stds, labels = given.clean
    parts = [
        [[pair.label, pair.source, pair.variant] for pair in pairs],
        [labels, means.tolist(), stds.tolist(), given.rule, given.weights],
        [setting.kind, setting.noise, setting.magnitude],
    ]
    return sha256(json.dumps(parts, sort_keys=True).encode())[:16]


class _Measurement:
    """Variants beside their sources, and milder settings where a class is destroyed."""

    def __init__(
        self, dataset: str, pairs: list[_Pair], given: Yardstick, setting: _Setting
    ) -> None:
        self._given, self._setting = given, setting
        self._last: dict[str, Row] = {}  # of each class, under the last setting tried
        self._bench = Bench(dataset, given)
        labels = {pair.source: pair.label for pair in pairs}
        rows, self._sources = self._bench.see(list(labels), list(labels.values()), "sources")
        paths = list(labels)
        self._place = {paths[i]: k for k, i in enumerate(rows)}
        self._labels = np.array([labels[paths[i]] for i in rows], dtype=object)
        self._pairs = [pair for pair in pairs if pair.source in self._place]

    def outcome(self) -> Row:
        """The rows of all classes with suggestions, and the picture sheet."""
        from bccurate.augmentation.variants import STRENGTHS
        from bccurate.evaluation.fidelity import destroyed, first_that_keeps, milder

        pairs = self._pairs
        good, seen = self._bench.see(
            [pair.variant for pair in pairs], [pair.label for pair in pairs], "variants"
        )
        pairs = [pairs[i] for i in good]
        rows = self._rows(pairs, seen)
        least = STRENGTHS[self._setting.kind].least
        candidates = milder(self._setting.noise, self._setting.magnitude, least)
        bad = [label for label, row in rows.items() if destroyed(row)]
        choices = first_that_keeps(candidates, bad, self._tried)
        for label, row in rows.items():
            row["destroyed"] = label in choices
            row["suggestion"] = _setting_of(choices.get(label))
            if row["destroyed"] and not row["suggestion"]:
                row["mildest"] = {key: self._last[label][key] for key in HARM}
        found = [choice for choice in choices.values() if choice]
        least_of = (min(n for n, _ in found), min(m for _, m in found)) if found else None
        return {
            "suggestion": _setting_of(least_of),
            "mildest": _setting_of(candidates[-1]),
            "classes": rows,
            "pictures": _sheet(pairs),
        }

    def _rows(self, pairs: list[_Pair], variants: Seen) -> dict[str, Row]:
        from bccurate.evaluation.fidelity import class_row, rejected

        if not pairs:
            return {}
        labels = np.array([pair.label for pair in pairs], dtype=object)
        out = rejected(variants.looks, labels.tolist(), self._given.clean, self._given.rule)
        origin = np.array([self._place[pair.source] for pair in pairs])
        rows = {}
        for label in sorted(set(labels)):
            own = np.flatnonzero(self._labels == label)
            mine = np.flatnonzero(labels == label)
            within = np.searchsorted(own, origin[mine])
            rows[label] = class_row(self._sources.part(own), variants.part(mine), within, out[mine])
        return rows

    def _tried(self, setting: tuple[float, float], labels: set[str]) -> dict[str, Row]:
        """The rows of ``labels`` under a noise and a magnitude; nothing is written."""
        from bccurate.augmentation.variants import make_variants

        one_each = list({pair.source: pair for pair in self._pairs}.values())
        tried = [
            pair
            for label in sorted(labels)
            for pair in _evenly([p for p in one_each if p.label == label], TRIED)
        ]

        def change(rows: list[int], pictures: list[np.ndarray]) -> list[np.ndarray]:
            seeds = [int(sha256(tried[i].variant.encode())[:14], 16) for i in rows]
            return make_variants(self._setting.kind, pictures, seeds, *setting)

        good, seen = self._bench.see(
            [pair.source for pair in tried], [pair.label for pair in tried], change=change
        )
        rows = self._rows([tried[i] for i in good], seen)
        self._last.update(rows)
        return rows


def _setting_of(choice: tuple[float, float] | None) -> dict[str, float] | None:
    return {"noise": choice[0], "magnitude": choice[1]} if choice else None


def _sheet(pairs: list[_Pair]) -> list[Row]:
    """Of each class a few sources, those with the most variants first."""
    beside: dict[tuple[str, str], list[str]] = {}
    for pair in pairs:
        beside.setdefault((pair.label, pair.source), []).append(pair.variant)
    rows: dict[str, list[Row]] = {}
    for (label, source), paths in sorted(beside.items(), key=lambda item: -len(item[1])):
        row = {"label": label, "source": source, "variants": paths[:BESIDE]}
        rows.setdefault(label, []).append(row)
    return [row for label in sorted(rows) for row in rows[label][:SHOWN]]


def _warnings(fidelity: Row, kind: str) -> list[str]:
    """What goes too far, and the setting that keeps all that any setting kept."""
    rows = {label: row for label, row in fidelity["classes"].items() if row["destroyed"]}
    lines = []
    if milder := fidelity["suggestion"]:
        mended = {label: row for label, row in rows.items() if row["suggestion"]}
        lines.append(
            f"{kind} {_options(fidelity)} goes too far for {_harms(mended)}; try "
            f"bccurate undo augment_{kind}, then bccurate augment {kind} {_options(milder)}"
        )
    lost = {label: row for label, row in rows.items() if not row["suggestion"]}
    if lost:
        still = {label: row["mildest"] for label, row in lost.items()}
        lines.append(
            f"{kind} {_options(fidelity)} goes too far for {_harms(lost)}; so do all milder "
            f"settings that were tried, the last, {_options(fidelity['mildest'])}: {_harms(still)}"
        )
    return lines


def _options(setting: Row) -> str:
    return f"--noise {setting['noise']:g} --magnitude {setting['magnitude']:g}"


def _harms(rows: dict[str, Row]) -> str:
    return ", ".join(f"{label} ({_harm(row)})" for label, row in rows.items())


def _harm(row: Row) -> str:
    text = f"{row['rejected']:.0%} outliers"
    if row["accuracy"] is not None:
        text += f", accuracy {row['accuracy_sources']:.2f} to {row['accuracy']:.2f}"
    return text
