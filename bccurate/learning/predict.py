"""Logits of a trained model, in bulk."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.special
import torch

from bccurate.images.thumbnail import resize
from bccurate.learning.checkpoint import TrainedModel
from bccurate.learning.data import normalise
from bccurate.learning.precision import Precision, pick_device
from bccurate.learning.registry import IMAGES
from bccurate.progress import track

# float32 always: a logit that is written to a dataset should not depend on the processor.
ARITHMETIC = Precision("float32", channels_last=True)


def predict(
    trained: TrainedModel, images: np.ndarray, batch_size: int = 128, device: str = "auto"
) -> np.ndarray:
    """Logits float32 (N, len(classes)) of ``images`` uint8 (N, H, W, 3).

    Of a model that reads predictions: of float32 (N, bases, C).

    Raises:
        UsageError: no such device here.
    """
    logits_of = predictor(trained, device)
    logits = np.empty((len(images), len(trained.classes)), dtype=np.float32)
    starts = range(0, len(images), batch_size)
    for start in track(starts, len(starts), "predicting"):
        logits[start : start + batch_size] = logits_of(images[start : start + batch_size])
    return logits


def predictor(trained: TrainedModel, device: str = "auto") -> Callable[[np.ndarray], np.ndarray]:
    """A function from one batch, as ``predict`` takes it, to its logits; the model is moved once.

    Raises:
        UsageError: no such device here.
    """
    place = pick_device(device)
    model = ARITHMETIC.prepare(trained.model, place).eval()

    def logits_of(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            batch = torch.from_numpy(images).to(place)
            if trained.spec.inputs == IMAGES:
                batch = normalise(batch.permute(0, 3, 1, 2), trained.spec)
            return model(ARITHMETIC.inputs(batch)).float().cpu().numpy()

    return logits_of


def image_predictor(
    trained: TrainedModel, device: str = "auto"
) -> Callable[[np.ndarray], np.ndarray]:
    """``predictor`` for one batch of images of any one size, resized to the model's own."""
    logits_of, side = predictor(trained, device), trained.image_size
    return lambda images: logits_of(np.stack([resize(image, side) for image in images]))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the probabilities of logits (N, C): float32 (N, C), computed in float64."""
    return scipy.special.softmax(logits.astype(np.float64), axis=1).astype(np.float32)
