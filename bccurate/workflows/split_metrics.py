"""Measure stored predictions split by split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Part:
    """What a model said of N samples of one split.

    Attributes:
        ids: of the samples.
        targets: int (N,), indices of the true classes.
        logits: float64 (N, C).
    """

    ids: list[str]
    targets: np.ndarray
    logits: np.ndarray


def split_parts(
    view: Any, model: str, classes: list[str], seen: set[str]
) -> tuple[dict[str, Part], dict[str, int]]:
    """The stored predictions of a view, for each split that has samples.

    What stands in val or test and was trained on all the same is left out.

    Returns:
        split to part, and split to how many samples were left out.
    """
    from bccurate.hub.predictions import read_predictions
    from bccurate.hub.views import SPLITS

    found = read_predictions(view, model)
    index = {label: i for i, label in enumerate(classes)}
    parts, left_out = {}, {}
    for split in SPLITS:
        mine = [
            i
            for i, (tags, label) in enumerate(zip(found.tags, found.labels, strict=True))
            if split in tags and label in index
        ]
        rows = [i for i in mine if split == "train" or found.contents[i] not in seen]
        if len(rows) < len(mine):
            left_out[split] = len(mine) - len(rows)
        if rows:
            targets = np.array([index[found.labels[i]] for i in rows])
            parts[split] = Part([found.ids[i] for i in rows], targets, found.logits[rows])
    return parts, left_out


def part_metrics(parts: dict[str, Part], classes: list[str]) -> dict[str, dict[str, Any]]:
    """``evaluation.metrics.summarise`` of each split."""
    from bccurate.evaluation.metrics import summarise
    from bccurate.learning.predict import softmax

    return {
        split: summarise(part.targets, softmax(part.logits.astype(np.float32)), classes)
        for split, part in parts.items()
    }


def seen_warnings(left_out: dict[str, int]) -> list[str]:
    """A line for each split that holds what the model was trained on."""
    return [
        f"{n} samples of {split} were trained on and are left out: the split was changed since"
        for split, n in left_out.items()
    ]
