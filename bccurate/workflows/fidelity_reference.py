"""What variants are measured by: clean pictures, the outlier rule, a model that saw no variant."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bccurate.errors import BccurateError, UsageError
from bccurate.hub import runs, views
from bccurate.hub.read import columns, label_path
from bccurate.progress import track
from bccurate.workflows.artifacts import model_folder, read_finished, weights_file
from bccurate.workflows.thumbnails import pixels

if TYPE_CHECKING:
    from bccurate.evaluation.fidelity import Seen
    from bccurate.learning.checkpoint import TrainedModel

CLEAN_AUGMENTS = ("none", "dihedral")  # that show a model no other colours, noise or borders
CLEAN_VIEWS = ("clean", "train", "deduplicated")
RULE = ("alpha", "statistic", "iterate", "false_alarms")
CHUNK = 24  # pictures held at once; they may be large

# (which of the pictures, the pictures) -> the pictures that are looked at
Change = Callable[[list[int], list[np.ndarray]], list[np.ndarray]]


@dataclass(frozen=True)
class Yardstick:
    """What decides a measurement, but for the variants.

    Attributes:
        clean: intensity mean (M,), deviation (M,) and labels of the clean originals.
        rule: the options of the last ``outliers``; its defaults where there are none.
        model, weights: name and checksum of the best model by validation macro F1 of those that
            were trained here on clean pictures alone; None where there is none.
    """

    clean: tuple[np.ndarray, np.ndarray, list[str]]
    rule: dict[str, Any]
    model: str | None
    weights: str | None


def yardstick(hub: Any) -> Yardstick:
    """The yardstick of a dataset as it stands."""
    rows = zip(
        *columns(views.clean(hub), label_path(hub), "intensity_mean", "intensity_std"),
        strict=True,
    )
    known = sorted(row for row in rows if None not in row)
    means, stds = (np.array([row[k] for row in known], dtype=np.float64) for k in (1, 2))
    options = runs.stored_options(hub, "outliers") or {}
    rule = {key: options[key] for key in RULE if key in options}
    return Yardstick((means, stds, [row[0] for row in known]), rule, *_clean_model(hub))


def _clean_model(hub: Any) -> tuple[str | None, str | None]:
    found = []
    for row in runs.overview(hub):
        if row["command"] != "train" or not _saw_clean_pictures(row["options"]):
            continue
        record = runs.load(hub, row["run"]) or {}
        finished = read_finished(model_folder(hub.name, record.get("model", "")))
        if finished:
            score = record.get("metrics", {}).get("val", {}).get("macro_f1") or 0.0
            found.append((score, record["model"], finished["weights"]))
    return max(found)[1:] if found else (None, None)


def _saw_clean_pictures(options: dict[str, Any]) -> bool:
    return bool(
        options.get("image_size")  # not a stacker
        and options.get("augment") in CLEAN_AUGMENTS
        and set(options.get("views") or ()) <= set(CLEAN_VIEWS)
    )


class Bench:
    """Looks at pictures, a few at a time."""

    def __init__(self, dataset: str, given: Yardstick) -> None:
        self._trained = _load(dataset, given.model) if given.model else None

    def see(
        self,
        paths: Sequence[str],
        labels: Sequence[str],
        what: str = "",
        change: Change | None = None,
    ) -> tuple[list[int], Seen]:
        """Which of N files decode, and what was seen of those.

        Args:
            paths, labels: N each.
            what: of the progress bar; none where it is empty.
            change: what is done to the pictures before they are looked at.
        """
        from bccurate.evaluation.fidelity import Seen

        rows: list[int] = []
        parts: list[Seen] = []
        starts: Any = range(0, len(paths), CHUNK)
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for start in track(starts, len(starts), what) if what else starts:
                part = range(start, min(start + CHUNK, len(paths)))
                found = dict(zip(part, pool.map(pixels, paths[start : start + CHUNK]), strict=True))
                good = [i for i in part if found[i] is not None]
                pictures: list[Any] = [found[i] for i in good]
                if change and good:
                    pictures = change(good, pictures)
                if good:
                    parts.append(self._look(pictures, [labels[i] for i in good]))
                    rows += good
        return rows, Seen.join(parts)

    def _look(self, pictures: list[np.ndarray], labels: list[str]) -> Seen:
        from bccurate.evaluation.fidelity import Seen, look

        looks = np.array([look(rgb) for rgb in pictures])
        if self._trained is None:
            return Seen(looks)
        features, logits = _read(self._trained, pictures)
        classes = np.array(self._trained.classes, dtype=object)
        return Seen(looks, features, classes[logits.argmax(axis=1)] == np.array(labels, object))


def _load(dataset: str, model: str) -> TrainedModel | None:
    """The trained model; None where its zoo is not at hand any more: it is then no yardstick."""
    from bccurate.learning.checkpoint import load_model

    try:
        return load_model(weights_file(dataset, model))
    except BccurateError:
        return None


def _read(
    trained: TrainedModel, pictures: Sequence[np.ndarray]
) -> tuple[np.ndarray | None, np.ndarray]:
    """Features, None of a network that has no layer for them, and logits."""
    from bccurate.images.thumbnail import resize
    from bccurate.learning.embed import embed_and_predict
    from bccurate.learning.predict import predict

    images = np.stack([resize(rgb, trained.image_size) for rgb in pictures])
    try:
        return embed_and_predict(trained, images)
    except UsageError:
        return None, predict(trained, images)
