"""A trained model's files and predictions, as ``train``, ``predict`` and ``explain`` use them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bccurate.errors import UsageError
from bccurate.files import dataset_home
from bccurate.hub.predictions import field_of, write_predictions
from bccurate.progress import say

if TYPE_CHECKING:
    from bccurate.learning.checkpoint import TrainedModel

CHUNK = 2048  # images decoded at once: 57 MB at 96 pixels


def model_folder(dataset: str, model: str) -> Path:
    """Where a model's weights and checkpoints on a dataset lie."""
    return dataset_home(dataset) / "models" / field_of(model)


def weights_file(dataset: str, model: str) -> Path:
    """The weights that ``train`` wrote.

    Raises:
        UsageError: the model was not trained on this dataset.
    """
    path = model_folder(dataset, model) / "model.safetensors"
    if not path.exists():
        from bccurate.learning.zoo import find_model

        find_model(model)  # a mistyped name is told first, with the nearest ones
        raise UsageError(
            f"Model {model!r} was not trained on {dataset!r}.",
            f"bccurate train {model} -d {dataset}",
        )
    return path


def predict_chunks(
    view: Any,
    trained: TrainedModel,
    model: str,
    ids: list[str],
    paths: list[str],
    batch_size: int,
    device: str,
) -> float:
    """Predict on files, writing chunk by chunk; returns images per second of the network."""
    from bccurate.learning.data import load_pixels
    from bccurate.learning.predict import predict, softmax

    seconds = 0.0
    say(f"predicting on {len(ids):,} images with {model}")
    for start in range(0, len(ids), CHUNK):
        part = slice(start, start + CHUNK)
        images = load_pixels(paths[part], trained.image_size)
        began = time.perf_counter()
        logits = predict(trained, images, batch_size, device)
        seconds += time.perf_counter() - began
        write_predictions(
            view, field_of(model), ids[part], softmax(logits), logits, trained.classes
        )
    return len(ids) / seconds if seconds else 0.0


def split_metrics(view: Any, model: str, classes: list[str]) -> dict[str, dict[str, Any]]:
    """Metrics of the stored predictions of a view, for each split that has samples."""
    from bccurate.evaluation.metrics import summarise
    from bccurate.hub.predictions import read_predictions
    from bccurate.hub.views import SPLITS
    from bccurate.learning.predict import softmax

    found = read_predictions(view, model)
    index = {label: i for i, label in enumerate(classes)}
    probabilities = softmax(found.logits.astype(np.float32))
    metrics = {}
    for split in SPLITS:
        rows = [
            i
            for i, (tags, label) in enumerate(zip(found.tags, found.labels, strict=True))
            if split in tags and label in index
        ]
        if rows:
            targets = np.array([index[found.labels[i]] for i in rows])
            metrics[split] = summarise(targets, probabilities[rows], classes)
    return metrics
