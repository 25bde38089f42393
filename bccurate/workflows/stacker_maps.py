"""Grad-CAM of a stacker: where its bases looked, for the logit that it gave."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bccurate.workflows.artifacts import WEIGHTS
from bccurate.workflows.stacking_features import fold_folder, read_folds, stacked_logits

if TYPE_CHECKING:
    from bccurate.learning.checkpoint import TrainedModel


def stack_maps(
    trained: TrainedModel,
    folder: Path,
    paths: Sequence[str],
    contents: Sequence[str],
    targets: np.ndarray,
    zoo: str | Path | None = None,
    batch_size: int = 128,
    device: str = "auto",
) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Exact Grad-CAM of the stack for the classes ``targets`` int (N,).

    Args:
        trained: the stacker.
        folder: where it lies, with the folds of its bases.
        paths, contents: N files and their checksums, as ``workflows.stacking_features`` takes them.

    Returns:
        maps float32 (N, H, W) in [0, 1] at the size of the largest base's input; each base's share
        of the evidence, float32 (N, bases); and the coarsest map's own size.
    """
    import torch

    from bccurate.explanation.stacker_gradcam import Branch, StackMap, logit_derivatives
    from bccurate.learning.checkpoint import load_model
    from bccurate.learning.data import load_pixels, to_inputs
    from bccurate.learning.precision import pick_device

    place = pick_device(device)
    folds = read_folds(folder)
    logits = torch.from_numpy(stacked_logits(folder, paths, contents, zoo, device)).to(place)
    temperatures = torch.tensor([t for _, t in trained.bases], device=place)
    derivatives = logit_derivatives(
        trained.model.to(place), logits, temperatures, torch.from_numpy(targets).to(place)
    ).cpu()
    counts = folds.counts(contents)
    found: StackMap | None = None
    sizes = []
    for number, base in enumerate(folds.bases):
        for fold in range(folds.folds):
            network = load_model(fold_folder(folder, base, fold) / WEIGHTS, zoo)
            size = network.image_size
            if fold == 0:  # a base has one size in all folds
                inputs = to_inputs(load_pixels(paths, size), network.spec)
            found = found or StackMap(len(paths), (size, size), len(folds.bases))
            branch = Branch(
                network.model.to(place),
                network.spec.gradcam_layer,
                inputs,
                torch.from_numpy(counts[:, fold]),
            )
            sizes.append(found.add(number, branch, derivatives[:, number], batch_size))
    assert found is not None
    return found.maps(), found.shares(), min(size for size in sizes if size != (0, 0))
