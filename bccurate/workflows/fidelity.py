"""Measure the variants that ``augment`` wrote; see ``evaluation.fidelity``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from bccurate.evaluation.fidelity import Intensities, class_rows, rejected
from bccurate.files import sha256
from bccurate.hub import views
from bccurate.hub.read import columns, label_path, labelled
from bccurate.images.image_stats import ImageStats, Unreadable
from bccurate.images.workers import read_many, read_pixels
from bccurate.progress import track
from bccurate.workflows.artifacts import weights_file
from bccurate.workflows.fidelity_reference import Reference, read_reference

MAX_PER_CLASS = 200  # variants measured
MAX_IN_ALL = 2000
SHEET_SOURCES = 2  # of a class, on the contact sheet
SHEET_VARIANTS = 3  # of each source

Row = dict[str, Any]


@dataclass(frozen=True, order=True)
class _Pair:
    """A variant and its source, as paths, and the label of both."""

    label: str
    source: str
    variant: str


def measure_fidelity(hub: Any, kind: str, noise: float, strength: float, stored: Row | None) -> Row:
    """Measure at most ``MAX_PER_CLASS`` variants a class and ``MAX_IN_ALL`` together.

    Args:
        hub: the dataset.
        kind: the view of the variants, and what made them.
        noise, strength: of the variants.
        stored: the result of an earlier call; returned again where nothing has changed since.

    Returns:
        ``of`` (a checksum of all that was measured), ``noise``, ``magnitude``, ``model``,
        ``classes`` (see ``evaluation.fidelity.class_rows``) and ``pictures`` of the contact sheet;
        empty without variants.
    """
    pairs = _sampled(_pairs(hub, kind))
    if not pairs:
        return {}
    reference = read_reference(hub)
    head: Row = {"noise": noise, "magnitude": strength, "model": reference.model}
    of = _checksum(pairs, reference, [kind, noise, strength])
    if stored and stored["of"] == of:
        return stored
    return {"of": of, **head, **_measure(hub.name, pairs, reference)}


def _pairs(hub: Any, kind: str) -> list[_Pair]:
    """Return the variants whose sources are clean training samples."""
    sources = labelled(views.clean(hub).match_tags("train"))
    rows = zip(*columns(sources, "id", "filepath", label_path(hub)), strict=True)
    known = {sample: (own, path) for sample, path, own in rows}
    variants = hub.match_tags([kind, views.VARIANT], all=True)
    rows = zip(*columns(variants, "source_id", "filepath"), strict=True)
    return sorted(_Pair(*known[source], path) for source, path in rows if source in known)


def _sampled(pairs: list[_Pair]) -> list[_Pair]:
    """Return an evenly spaced sample of each class."""
    by_label: dict[str, list[_Pair]] = {}
    for pair in pairs:
        by_label.setdefault(pair.label, []).append(pair)
    most = max(1, min(MAX_PER_CLASS, MAX_IN_ALL // max(1, len(by_label))))
    return [
        own[i * len(own) // n]
        for own in by_label.values()
        for n in [min(len(own), most)]
        for i in range(n)
    ]


def _checksum(pairs: list[_Pair], reference: Reference, setting: list[Any]) -> str:
    clean = reference.clean
    parts = [
        [[pair.label, pair.source, pair.variant] for pair in pairs],
        [list(clean.labels), clean.means.tolist(), clean.stds.tolist()],
        [reference.rule, reference.weights, setting],
    ]
    return sha256(json.dumps(parts, sort_keys=True).encode())[:16]


def _measure(dataset: str, pairs: list[_Pair], reference: Reference) -> Row:
    paths = list(dict.fromkeys(path for pair in pairs for path in (pair.source, pair.variant)))
    found = track(read_many(paths), len(paths), "variants")
    stats = {one.filepath: one for one in found if isinstance(one, ImageStats)}
    pairs = [pair for pair in pairs if pair.source in stats and pair.variant in stats]
    own = [stats[pair.variant] for pair in pairs]
    means = np.array([one.intensity_mean for one in own])
    stds = np.array([one.intensity_std for one in own])
    labels = [pair.label for pair in pairs]
    outlying = rejected(Intensities(means, stds, labels), reference.clean, reference.rule)
    hits = _hits(dataset, reference.model, pairs) if reference.model else (None, None)
    return {"classes": class_rows(labels, outlying, *hits), "pictures": _sheet(pairs)}


def _hits(dataset: str, model: str, pairs: list[_Pair]) -> tuple[np.ndarray, np.ndarray]:
    """Return whether the model names each variant, and its source, rightly; bool (N,) each."""
    from bccurate.learning.checkpoint import load_model
    from bccurate.learning.predict import predict

    trained = load_model(weights_file(dataset, model))
    label_of = {path: pair.label for pair in pairs for path in (pair.source, pair.variant)}
    classes = np.array(trained.classes, dtype=object)
    right: dict[str, bool] = {}
    paths = list(label_of)
    for start in range(0, len(paths), MAX_IN_ALL):
        part = paths[start : start + MAX_IN_ALL]
        found = zip(part, read_pixels(part, trained.image_size), strict=True)
        images = {path: rgb for path, rgb in found if not isinstance(rgb, Unreadable)}
        logits = predict(trained, np.stack(list(images.values())))
        named = zip(images, classes[logits.argmax(axis=1)], strict=True)
        right |= {path: name == label_of[path] for path, name in named}
    variants = np.array([right.get(pair.variant, False) for pair in pairs])
    return variants, np.array([right.get(pair.source, False) for pair in pairs])


def _sheet(pairs: list[_Pair]) -> list[Row]:
    """Return a few sources of each class, those with the most variants first."""
    variants: dict[tuple[str, str], list[str]] = {}
    for pair in pairs:
        variants.setdefault((pair.label, pair.source), []).append(pair.variant)
    rows: dict[str, list[Row]] = {}
    for (label, source), paths in sorted(variants.items(), key=lambda item: -len(item[1])):
        row = {"label": label, "source": source, "variants": paths[:SHEET_VARIANTS]}
        rows.setdefault(label, []).append(row)
    return [row for label in sorted(rows) for row in rows[label][:SHEET_SOURCES]]
