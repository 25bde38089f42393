"""A trained model's files and predictions, as ``train``, ``predict`` and ``explain`` use them."""

from __future__ import annotations

import json
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bccurate import __version__
from bccurate.errors import UsageError
from bccurate.files import atomic_write, dataset_home, sha256_of_file
from bccurate.hub import runs
from bccurate.hub.predictions import field_of, write_predictions
from bccurate.progress import say

if TYPE_CHECKING:
    from bccurate.learning.checkpoint import TrainedModel
    from bccurate.learning.settings import TrainResult

FINISHED = "finished.json"
WEIGHTS = "model.safetensors"  # the name that learning.train gives them
HEADER = "bccurate"  # as learning.tensorfile, which loads torch
CHUNK = 2048  # images decoded at once: 57 MB at 96 pixels


def model_folder(dataset: str, model: str) -> Path:
    """Where a model's weights and checkpoints on a dataset lie."""
    return dataset_home(dataset) / "models" / field_of(model)


def weights_file(dataset: str, model: str, zoo: str | Path | None = None) -> Path:
    """The weights that ``train`` wrote.

    Raises:
        UsageError: the model was not trained on this dataset.
    """
    path = model_folder(dataset, model) / WEIGHTS
    if not path.exists():
        from bccurate.learning.registry import find_model

        find_model(model, zoo)  # a mistyped name is told first, with the nearest ones
        raise UsageError(
            f"Model {model!r} was not trained on {dataset!r}.",
            f"bccurate train {model} -d {dataset}",
        )
    return path


def classes_of_weights(dataset: str, model: str) -> list[str]:
    """The label of each logit, from the header of the weights; [] where they have gone.

    Loads no network and no torch: the App's server asks for it.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(model_folder(dataset, model) / WEIGHTS, framework="np") as file:
            return [str(name) for name in json.loads(file.metadata()[HEADER])["classes"]]
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):
        return []


def require_current_predictions(hub: Any, dataset: str, model: str) -> None:
    """Raise a ``UsageError`` where the stored predictions are not of the weights on disk."""
    field = field_of(model)
    stored = runs.stored_options(hub, f"predict_{field}")
    if stored != {"weights": sha256_of_file(weights_file(dataset, model))}:
        raise UsageError(
            f"The predictions of {model!r} are missing or of other weights.",
            f"bccurate predict {model} -d {dataset}",
        )


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


def embed_files(
    file: Path, paths: list[str], zoo: str | Path | None = None, device: str = "auto"
) -> np.ndarray:
    """Penultimate features float32 (N, D), rows of length 1, of files by the weights ``file``."""
    from bccurate.learning.checkpoint import load_model
    from bccurate.learning.data import load_pixels
    from bccurate.learning.embed import embed

    trained = load_model(file, zoo)
    chunks = (paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK))
    return np.concatenate(
        [embed(trained, load_pixels(chunk, trained.image_size), device=device) for chunk in chunks]
    )


def read_finished(folder: Path) -> dict[str, Any] | None:
    """What ``write_finished`` wrote for the very weights that lie in ``folder``, else None."""
    weights = folder / WEIGHTS
    try:
        finished = json.loads((folder / FINISHED).read_text(encoding="utf-8"))
        return finished if finished["weights"] == sha256_of_file(weights) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def finished_with(folder: Path, options: dict[str, Any]) -> dict[str, Any] | None:
    """As ``read_finished``, but None where the weights came of other options."""
    finished = read_finished(folder)
    return finished if finished is not None and finished["options"] == options else None


def versions() -> dict[str, str]:
    """Of Python and of the packages whose release can change a result."""
    from importlib.metadata import version

    packages = ("torch", "timm", "numpy", "fiftyone")
    ours = {"bccurate": __version__, "python": platform.python_version()}
    return ours | {package: version(package) for package in packages}


def write_finished(
    folder: Path, options: dict[str, Any], result: TrainResult, seen: set[str]
) -> dict[str, Any]:
    """Note what the weights in ``folder`` came of: options, history, and the pixels seen."""
    finished = {
        "options": options,
        "weights": sha256_of_file(folder / WEIGHTS),
        "best_epoch": result.best_epoch,
        "history": result.history,
        "images_per_second": round(result.images_per_second, 1),
        "device": f"{result.device} ({result.precision})",
        "versions": versions(),
        "seen": sorted(seen),
    }
    with atomic_write(folder / FINISHED, "w") as file:
        json.dump(finished, file)
    return finished
