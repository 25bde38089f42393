"""Predict with a trained model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy import special

from bccurate.images.thumbnail import resize
from bccurate.learning.checkpoint import TrainedModel
from bccurate.learning.data import normalise
from bccurate.learning.precision import Precision, pick_device
from bccurate.learning.registry import IMAGES
from bccurate.progress import track

# Always float32: a logit that is stored in a dataset must not depend on the processor.
PRECISION = Precision("float32", channels_last=True)


def predict(
    trained: TrainedModel, images: np.ndarray, batch_size: int = 128, device: str = "auto"
) -> np.ndarray:
    """Return the logits, float32 (N, C), of ``images`` uint8 (N, S, S, 3) at the model's size.

    A model that reads predictions takes float32 (N, bases, C) instead.

    Raises:
        UsageError: this machine has no such device.
    """
    logits_of = predictor(trained, device)
    logits = np.empty((len(images), len(trained.classes)), dtype=np.float32)
    starts = range(0, len(images), batch_size)
    for start in track(starts, len(starts), "predicting"):
        logits[start : start + batch_size] = logits_of(images[start : start + batch_size])
    return logits


def predictor(trained: TrainedModel, device: str = "auto") -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from a batch, in the form of ``predict``, to its logits.

    The model is moved to the device once.

    Raises:
        UsageError: this machine has no such device.
    """
    chosen = pick_device(device)
    model = PRECISION.prepare(trained.model, chosen).eval()

    def logits_of(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            batch = torch.from_numpy(images).to(chosen)
            if trained.spec.inputs == IMAGES:
                batch = normalise(batch.permute(0, 3, 1, 2), trained.spec)
            return model(PRECISION.inputs(batch)).float().cpu().numpy()

    return logits_of


def image_predictor(
    trained: TrainedModel, device: str = "auto"
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a ``predictor`` of batches of any one size, which it resizes to the model's size."""
    logits_of, size = predictor(trained, device), trained.image_size
    return lambda images: logits_of(np.stack([resize(image, size) for image in images]))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the probabilities, float32 (N, C), of logits (N, C); computed in float64."""
    return special.softmax(np.asarray(logits, dtype=np.float64), axis=1).astype(np.float32)
