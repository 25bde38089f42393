"""Per-sample augmentation of cells at 96x96, batches of 256, on the same two cores.

How many times as long torchvision's per-image path takes: PIL images in memory, its transform and
``PILToTensor`` in a DataLoader with two workers, against ``augment_batch`` in the main process with
two threads. Workers stand before the clock starts. ``AugMix`` has two rows: torchvision's default
of 13 operations, and the paper's 9, which are ours.
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


class _Pictures(Dataset):  # type: ignore[type-arg]
    """PIL images in memory under a transform of torchvision."""

    def __init__(self, pictures: list[Image.Image], transform: Callable[[Any], torch.Tensor]):
        self.pictures, self.transform = pictures, transform

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.transform(self.pictures[index])


def run(images: Path) -> list[Figure]:
    """Ratios round by round; all contenders in each round."""
    from torchvision import transforms as T

    pictures = _pictures(images)
    stored = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures]))
    theirs = {
        "RandAugment": T.RandAugment(),
        "AugMix": T.AugMix(),
        "AugMix, 9 operations": T.AugMix(all_ops=False),
    }
    contenders = {name: _loader(pictures, transform) for name, transform in theirs.items()}
    contenders |= {kind: _batched(stored, kind) for kind in ("randaugment", "augmix", "smear")}
    before = torch.get_num_threads()
    torch.set_num_threads(CORES)
    try:
        interleaved(contenders, 1)  # workers start, tables fill
        seconds = interleaved(contenders, ROUNDS)
    finally:
        torch.set_num_threads(before)
    return _rows(seconds)


def _rows(seconds: dict[str, list[float]]) -> list[Figure]:
    def note(name: str) -> str:
        return f"{np.median(seconds[name]) / N * 1e6:.0f} us an image"

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


def _loader(pictures: list[Image.Image], transform: Callable[[Any], Any]) -> Callable[[], object]:
    from torchvision import transforms as T

    data = _Pictures(pictures, T.Compose([transform, T.PILToTensor()]))
    loader = DataLoader(data, BATCH, num_workers=CORES, persistent_workers=True)
    return lambda: [len(batch) for batch in loader]


def _batched(stored: torch.Tensor, kind: str) -> Callable[[], object]:
    from bccurate.augmentation.variants import augment_batch

    def epoch() -> list[int]:
        batches = stored.permute(0, 3, 1, 2).split(BATCH)
        pairs = zip(batches, torch.arange(len(stored)).split(BATCH), strict=True)
        return [len(augment_batch(kind, batch, seeds)) for batch, seeds in pairs]

    return epoch


def _pictures(images: Path) -> list[Image.Image]:
    paths = files_of(images)
    pictures = []
    for number in range(N):
        with Image.open(paths[number * len(paths) // N % len(paths)]) as image:
            pictures.append(image.convert("RGB").resize((SIDE, SIDE)))
    return pictures
