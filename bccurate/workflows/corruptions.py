"""What ``evaluate --corruptions`` adds: a model on corrupted copies of the test images."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bccurate.errors import InputError
from bccurate.files import atomic_write, sha256_of_file
from bccurate.hub import runs
from bccurate.hub.predictions import field_of
from bccurate.hub.read import columns
from bccurate.progress import say
from bccurate.records import CorruptionsRecord
from bccurate.workflows.artifacts import model_folder, weights_file
from bccurate.workflows.split_metrics import Part
from bccurate.workflows.stacking_features import new_image_predictor

if TYPE_CHECKING:
    from bccurate.evaluation.robustness import Kind, Predict

SPLIT = "test"
FOLDER, HITS = "corruptions", "hits.json"


@dataclass(frozen=True)
class _Cells:
    """The test images to corrupt: paths, targets int (N,), and the side to read them at."""

    paths: list[str]
    targets: np.ndarray
    side: int
    digest: str


def measure_corruptions(
    hub: Any,
    model: str,
    parts: dict[str, Part],
    severities: Sequence[int],
    limit: int | None,
    zoo: str | Path | None = None,
) -> tuple[CorruptionsRecord, bool]:
    """Count right answers on the corrupted test samples of ``parts``, and store the run.

    What was counted for the same weights and samples is not counted again, be it that the command
    was stopped or that it is asked for other severities.

    Returns:
        the stored record, and whether it is new.

    Raises:
        UsageError: an unknown severity.
        InputError: no test samples, or a file that no longer decodes.
    """
    from bccurate.evaluation.robustness import kinds_of, summarise_hits

    file = weights_file(hub.name, model, zoo)
    kinds = kinds_of(severities)
    predict, side = _predictor(hub.name, model, file, zoo)
    cells = _cells(hub, parts, limit, side)
    weights = sha256_of_file(file)
    store = model_folder(hub.name, model) / FOLDER / HITS
    hits = _count(predict, cells, kinds, store, {"weights": weights, "cells": cells.digest})
    found = summarise_hits({kind: hits[kind] for kind in kinds}, len(cells.paths))
    record = CorruptionsRecord(hub.name, model, {"split": SPLIT, "limit": limit, **found})
    options = {"weights": weights, "severities": found["severities"], "limit": limit}
    return record, runs.save(hub, f"corruptions_{field_of(model)}", record, options)


def _cells(hub: Any, parts: dict[str, Part], limit: int | None, image_size: int) -> _Cells:
    """The test samples, or of each class the first ``limit`` in the order of their checksums."""
    from bccurate.evaluation.corruptions.suite import VERSION

    if SPLIT not in parts:
        raise InputError("There are no test samples to corrupt.", f"bccurate split -d {hub.name}")
    part = parts[SPLIT]
    target_of = dict(zip(part.ids, part.targets.tolist(), strict=True))
    fields = ("id", "filepath", "pixelhash", "metadata.width", "metadata.height")
    rows = zip(*columns(hub.select(part.ids), *fields), strict=True)
    chosen, taken = [], Counter[int]()
    for content, path, target, *sides in sorted(
        (content or path, path, target_of[sample], *sides) for sample, path, content, *sides in rows
    ):
        taken[target] += 1
        if limit is None or taken[target] <= limit:
            chosen.append((content, path, target, sides))
    # Corrupted as they are on disk where they are squares of one size: noise on an enlarged
    # image would be finer than a camera's.
    sizes = {side for *_, sides in chosen for side in sides}
    side = sizes.pop() or image_size if len(sizes) == 1 else image_size
    known = json.dumps([VERSION, side, [(content, target) for content, _, target, _ in chosen]])
    return _Cells(
        paths=[path for _, path, _, _ in chosen],
        targets=np.array([target for _, _, target, _ in chosen]),
        side=side,
        digest=hashlib.sha256(known.encode()).hexdigest(),
    )


def _count(
    predict: Predict,
    cells: _Cells,
    kinds: list[Kind],
    store: Path,
    key: dict[str, str],
) -> dict[Kind, int]:
    """Right answers by kind: those in ``store``, and the rest, which are put there one by one."""
    from bccurate.evaluation.robustness import count_hits
    from bccurate.learning.data import load_pixels

    hits = _stored(store, key)
    missing = [kind for kind in kinds if kind not in hits]
    if missing:
        say(f"{len(missing)} corruptions and severities on {len(cells.paths):,} test images")
        images = load_pixels(cells.paths, cells.side)
        store.parent.mkdir(parents=True, exist_ok=True)
        for kind, n in count_hits(predict, images, cells.targets, missing):
            hits[kind] = n
            rows = [[name, severity, count] for (name, severity), count in hits.items()]
            with atomic_write(store, "w") as file:
                json.dump({**key, "hits": rows}, file)
    return hits


def _predictor(dataset: str, model: str, file: Path, zoo: str | Path | None) -> tuple[Predict, int]:
    """From images of any size to logits, and the side in pixels that the model reads."""
    from bccurate.learning.checkpoint import load_model
    from bccurate.learning.predict import image_predictor

    trained = load_model(file, zoo)
    if trained.bases:
        return new_image_predictor(model_folder(dataset, model), trained, zoo)
    return image_predictor(trained), trained.image_size


def _stored(store: Path, key: dict[str, str]) -> dict[Kind, int]:
    """What ``_count`` left for the very same weights and cells; nothing of a broken file."""
    try:
        found = json.loads(store.read_text(encoding="utf-8"))
        if {name: found[name] for name in key} != key:
            return {}
        return {(str(name), int(severity)): int(n) for name, severity, n in found["hits"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
