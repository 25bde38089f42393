"""What a stacker reads: the logits of its bases, fold by fold."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bccurate.errors import InputError
from bccurate.files import atomic_write
from bccurate.hub.predictions import field_of, write_predictions
from bccurate.hub.read import columns
from bccurate.hub.views import originals
from bccurate.workflows.artifacts import WEIGHTS, model_folder

if TYPE_CHECKING:
    from bccurate.learning.checkpoint import TrainedModel

FOLDS = "folds.json"


def predict_stack(
    hub: Any,
    trained: TrainedModel,
    model: str,
    ids: list[str],
    paths: list[str],
    contents: list[str],
    zoo: str | Path | None,
    device: str,
) -> float:
    """Predict on files and write it to the model's field; returns images per second."""
    from bccurate.learning.predict import predict, softmax

    began = time.perf_counter()
    said = stacked_logits(model_folder(hub.name, model), paths, contents, zoo, device)
    logits = predict(trained, tempered(said, trained.bases), device=device)
    seconds = time.perf_counter() - began
    write_predictions(hub, field_of(model), ids, softmax(logits), logits, trained.classes)
    return len(ids) / seconds


def stacked_logits(
    folder: Path,
    paths: Sequence[str],
    contents: Sequence[str],
    zoo: str | Path | None = None,
    device: str = "auto",
) -> np.ndarray:
    """What the bases say of N files: float32 (N, bases, C).

    Of an image that is in a fold, or a duplicate of one, the logits of the model that was trained
    without that fold; of any other the mean over the folds' models.

    Args:
        folder: the stacker's, as ``train_stacker`` left it.
        paths: N files.
        contents: N checksums of pixels, as ``hub.read`` gives them.
    """
    from bccurate.learning.checkpoint import load_model
    from bccurate.learning.data import load_pixels
    from bccurate.learning.predict import predict

    folds = read_folds(folder)
    counts = folds.counts(contents)
    by_base: list[np.ndarray] = []
    for base in folds.bases:
        total, pixels = np.zeros(0), np.zeros(0)
        for fold in range(folds.folds):
            trained = load_model(fold_folder(folder, base, fold) / WEIGHTS, zoo)
            if fold == 0:
                pixels = load_pixels(paths, trained.image_size)
                total = np.zeros((len(paths), len(trained.classes)), dtype=np.float32)
            rows = np.flatnonzero(counts[:, fold])
            logits = predict(trained, pixels[rows], device=device)
            total[rows] += logits * counts[rows, fold][:, None]
        by_base.append(total)
    return np.stack(by_base, axis=1)


@dataclass(frozen=True)
class Folds:
    """What a stacker's bases were trained without.

    Attributes:
        bases: their names.
        folds: how many there are.
        fold_of: checksum of pixels to fold, of the training samples and all that is linked to one.
    """

    bases: list[str]
    folds: int
    fold_of: dict[str, int]

    def counts(self, contents: Sequence[str]) -> np.ndarray:
        """float32 (N, folds): how much each fold's model counts for each sample; rows add to 1.

        Of a sample in a fold only the model that was trained without it; else all alike.
        """
        own = np.array([self.fold_of.get(content, -1) for content in contents])
        counts = np.full((len(own), self.folds), 1 / self.folds, dtype=np.float32)
        counts[own >= 0] = np.eye(self.folds, dtype=np.float32)[own[own >= 0]]
        return counts


def read_folds(folder: Path) -> Folds:
    """What ``write_folds`` wrote to the stacker's folder.

    Raises:
        InputError: the file is missing or broken.
    """
    path = folder / FOLDS
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return Folds(list(stored["bases"]), int(stored["folds"]), dict(stored["fold_of"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path} cannot be read: {error}", "bccurate train stacker") from error


def write_folds(folder: Path, folds: Folds) -> None:
    """Write ``folds`` to the stacker's folder, whole or not at all."""
    with atomic_write(folder / FOLDS, "w") as file:
        json.dump(asdict(folds), file)


def new_image_predictor(
    folder: Path, trained: TrainedModel, zoo: str | Path | None = None, device: str = "auto"
) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    """A function from images in no fold, uint8 (B, H, W, 3), to the stacker's logits (B, C).

    It holds the models of all bases and folds at once. Beside it the largest side that a base
    reads, in pixels.
    """
    from bccurate.learning.checkpoint import load_model
    from bccurate.learning.predict import image_predictor, predictor

    folds = read_folds(folder)
    stack, side, readers = predictor(trained, device), 0, []
    for base in folds.bases:
        own = []
        for fold in range(folds.folds):
            model = load_model(fold_folder(folder, base, fold) / WEIGHTS, zoo)
            side = max(side, model.image_size)
            own.append(image_predictor(model, device))
        readers.append(own)

    def logits_of(images: np.ndarray) -> np.ndarray:
        said = [np.mean([read(images) for read in own], axis=0) for own in readers]
        return stack(tempered(np.stack(said, axis=1).astype(np.float32), trained.bases))

    return logits_of, side


def tempered(logits: np.ndarray, bases: Sequence[tuple[str, float]]) -> np.ndarray:
    """``stacked_logits`` over the temperature of each base: as sure as they are right."""
    temperatures = np.array([temperature for _, temperature in bases], dtype=np.float32)
    return logits / temperatures[:, None]


def contents_of(hub: Any, view: Any) -> list[str]:
    """The checksum of each sample's pixels, of its source's for a variant; the path where none."""
    sources = dict(zip(*columns(originals(hub), "id", "pixelhash"), strict=True))
    rows = zip(*columns(view, "filepath", "pixelhash", "source_id"), strict=True)
    return [sources.get(source, own) or path for path, own, source in rows]


def fold_folder(folder: Path, base: str, fold: int) -> Path:
    """Where the weights of ``base`` that were trained without ``fold`` lie."""
    return folder / "folds" / f"{field_of(base)}_{fold}"
