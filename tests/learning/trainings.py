"""Small trainings for the tests of this folder and for the processes that they start."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file

from bccurate.learning.distributed import World
from bccurate.learning.registry import ModelSpec
from bccurate.learning.settings import TrainingData, TrainingOutput, TrainResult, TrainSettings
from bccurate.learning.train import train

CLASSES = ["red", "blue"]
SETTINGS = TrainSettings(
    epochs=4, batch_size=8, lr=3e-3, image_size=16, device="cpu", precision="float32"
)


def discs(n: int, size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return noise with a red or blue disc, uint8 (n, size, size, 3), and the targets (n,)."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 2, n)
    images = rng.integers(100, 200, (n, size, size, 3))
    y, x = np.mgrid[:size, :size] / size - 0.5
    for image, target in zip(images, targets, strict=True):
        image[np.hypot(x, y) < rng.uniform(0.2, 0.35), 2 * target] -= 80
    return images.astype(np.uint8), targets


def disc_data(n: int = 41, size: int = 16, n_val: int = 12) -> TrainingData:
    """Return ``n`` discs to train on and ``n_val`` others for validation."""
    return TrainingData(*discs(n, size), *discs(n_val, size, seed=1), CLASSES)


def changed(**changes: Any) -> TrainSettings:
    """Return ``SETTINGS`` with ``changes``."""
    return TrainSettings(**{**SETTINGS.__dict__, **changes})


def run(
    spec: ModelSpec,
    folder: Path,
    resume: bool | None = False,
    n: int = 41,
    world: World | None = None,
    **changes: Any,
) -> TrainResult:
    """Train ``spec`` on ``n`` discs of 16 px in ``folder``."""
    return train(spec, disc_data(n), changed(**changes), TrainingOutput(folder, resume), world)


def digest(path: Path) -> str:
    """Return the sha256 of the tensors of a safetensors file."""
    tensors = sorted(load_file(path).items())
    return hashlib.sha256(b"".join(t.numpy().tobytes() for _, t in tensors)).hexdigest()
