"""Read from a dataset what variants are measured against: clean images, outlier rule, a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bccurate.errors import BccurateError
from bccurate.evaluation.fidelity import Intensities
from bccurate.hub import runs, views
from bccurate.hub.read import columns, label_path
from bccurate.workflows.artifacts import model_folder, read_finished, weights_file

CLEAN_AUGMENTS = ("none", "dihedral")  # change no colour, noise or border
CLEAN_VIEWS = ("clean", "train", "deduplicated")
RULE = ("alpha", "statistic", "iterate", "false_alarms")


@dataclass(frozen=True)
class Reference:
    """What a measurement depends on, apart from the variants.

    Attributes:
        clean: the clean originals.
        rule: the options of the last ``outliers``; empty for its defaults.
        model, weights: name and checksum of the best model by validation macro F1 of those that
            were trained on this dataset with clean images alone; None where there is none.
    """

    clean: Intensities
    rule: dict[str, Any]
    model: str | None
    weights: str | None


def read_reference(hub: Any) -> Reference:
    """Read the reference of a dataset as it is now."""
    stored = columns(views.clean(hub), label_path(hub), "intensity_mean", "intensity_std")
    known = sorted(row for row in zip(*stored, strict=True) if None not in row)
    means, stds = (np.array([row[k] for row in known], dtype=np.float64) for k in (1, 2))
    options = runs.stored_options(hub, "outliers") or {}
    rule = {key: options[key] for key in RULE if key in options}
    return Reference(Intensities(means, stds, [row[0] for row in known]), rule, *_clean_model(hub))


def _clean_model(hub: Any) -> tuple[str | None, str | None]:
    found = []
    for row in runs.overview(hub):
        if row["command"] != "train" or not saw_clean_images_only(row["options"]):
            continue
        record = runs.load(hub, row["run"]) or {}
        model = record.get("model", "")
        finished = read_finished(model_folder(hub.name, model))
        if finished and _loads(hub.name, model):
            score = record.get("metrics", {}).get("val", {}).get("macro_f1") or 0.0
            found.append((score, model, finished["weights"]))
    return max(found)[1:] if found else (None, None)


def saw_clean_images_only(options: dict[str, Any]) -> bool:
    """Return whether a training with these options has seen no variant of any kind."""
    return bool(
        options.get("image_size")  # not a stacker
        and options.get("augment") in CLEAN_AUGMENTS
        and set(options.get("views") or ()) <= set(CLEAN_VIEWS)
    )


def _loads(dataset: str, model: str) -> bool:
    """Return whether the model still loads; its zoo may be gone."""
    from bccurate.learning.checkpoint import load_model

    try:
        load_model(weights_file(dataset, model))
    except BccurateError:
        return False
    return True
