"""Augmentation drawn per image, cells at 96x96, batches of 256, on the same two cores.

The ratio is the time of torchvision's per-image path (PIL images in memory, its transform and
``PILToTensor`` in a DataLoader with two workers) divided by that of ``augment_batch`` in the main
process with two threads. Workers are started before the clock. ``AugMix`` has two rows:
torchvision's default of 13 operations, and the 9 of the paper, as in bccurate.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from tests.bench.cells import files_of
from tests.bench.measure import Figure, figure, interleaved, versus

TITLE = "Augmentation"
N = 1024
BATCH = 256
SIDE = 96
ROUNDS = 5
CORES = 2


class _Images(Dataset):  # type: ignore[type-arg]
    """PIL images in memory with a transform of torchvision."""

    def __init__(self, images: list[Image.Image], transform: Callable[[Any], torch.Tensor]):
        self.images, self.transform = images, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.transform(self.images[index])


def run(folder: Path) -> list[Figure]:
    """Return the ratios; every round runs all contenders."""
    from torchvision import transforms as T

    images = _load(folder)
    stored = torch.from_numpy(np.stack([np.asarray(image) for image in images]))
    theirs = {
        "RandAugment": T.RandAugment(),
        "AugMix": T.AugMix(),
        "AugMix, 9 operations": T.AugMix(all_ops=False),
    }
    contenders = {name: _loader(images, transform) for name, transform in theirs.items()}
    contenders |= {kind: _batched(stored, kind) for kind in ("randaugment", "augmix", "smear")}
    before = torch.get_num_threads()
    torch.set_num_threads(CORES)
    try:
        interleaved(contenders, 1)  # start workers, fill tables
        seconds = interleaved(contenders, ROUNDS)
    finally:
        torch.set_num_threads(before)
    return _rows(seconds)


def _rows(seconds: dict[str, list[float]]) -> list[Figure]:
    def note(name: str) -> str:
        return f"{np.median(seconds[name]) / N * 1e6:.0f} us per image"

    rows = [
        versus(f"{theirs} / `{ours}`", seconds[theirs], seconds[ours], goal,
               f"{note(theirs)}, ours {note(ours)}")
        for theirs, ours, goal in (
            ("RandAugment", "randaugment", ">= 1.5"),
            ("AugMix", "augmix", ">= 2.5"),
            ("AugMix, 9 operations", "augmix", ""),
        )
    ]  # fmt: skip
    ratios = [a / b for a, b in zip(seconds["RandAugment"], seconds["smear"], strict=True)]
    return [*rows, figure("RandAugment / `smear`", ratios, ">= 1", f"ours {note('smear')}")]


def _loader(images: list[Image.Image], transform: Callable[[Any], Any]) -> Callable[[], object]:
    from torchvision import transforms as T

    data = _Images(images, T.Compose([transform, T.PILToTensor()]))
    loader = DataLoader(data, BATCH, num_workers=CORES, persistent_workers=True)
    return lambda: [len(batch) for batch in loader]


def _batched(stored: torch.Tensor, kind: str) -> Callable[[], object]:
    from bccurate.augmentation.variants import augment_batch

    def epoch() -> list[int]:
        batches = stored.permute(0, 3, 1, 2).split(BATCH)
        pairs = zip(batches, torch.arange(len(stored)).split(BATCH), strict=True)
        return [len(augment_batch(kind, batch, seeds)) for batch, seeds in pairs]

    return epoch


def _load(folder: Path) -> list[Image.Image]:
    paths = files_of(folder)
    loaded = []
    for number in range(N):
        with Image.open(paths[number * len(paths) // N % len(paths)]) as image:
            loaded.append(image.convert("RGB").resize((SIDE, SIDE)))
    return loaded
