"""``python -m tests.bench.gpu``: training images per second on this machine's GPU, or its CPU.

It needs neither FiftyOne nor a database. Without a GPU it runs at a reduced size, to check that it
runs. It prints a table, and ``--out FILE`` writes it. Each contender runs ``--steps`` updates after
as many to warm up; the result is the median of ``--rounds`` interleaved rounds.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader
from torchvision import transforms

from bccurate.learning.batches import TrainingContext
from bccurate.learning.loop import train_step
from bccurate.learning.loss import Objective
from bccurate.learning.optimiser import make_optimiser
from bccurate.learning.precision import choose_precision, pick_device
from bccurate.learning.registry import find_model
from bccurate.learning.settings import TrainingData, TrainSettings

SIZE, CLASSES = 96, 8
GOALS = {"resnet50": 45_000, "inception_v3": 70_000, "efficientnet_b0": 60_000,
         "nasnet_mobile": 60_000, "custom_cnn": 120_000}  # fmt: skip
PEERS = {"augmix": 3.5, "randaugment": 1.4}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gpu", description=__doc__)
    parser.add_argument("--data", type=Path, help="npz with images uint8 (N, 96, 96, 3)")
    parser.add_argument("--models", default=",".join(GOALS))
    parser.add_argument("--batch-size", type=int, default=1024)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=min(16, os.cpu_count() or 1))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    device = pick_device(given.device)
    if device.type != "cuda":
        given.batch_size, given.steps, given.rounds, given.workers = 16, 2, 3, 2
    images = _images(given.data, 12_000 if device.type == "cuda" else 256)
    lines = [_machine(device), "", "| what | images/s | spread | goal | met |",
             "| --- | --- | --- | --- | --- |"]  # fmt: skip
    for name in given.models.split(","):
        for line in _rows(name, images, device, given):
            print(line, flush=True)
            lines.append(line)
    if given.out:
        given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _rows(name: str, images: np.ndarray, device: torch.device, given) -> Iterator[str]:
    """Yield rows of bccurate at the large batch and at 32, for ResNet50 also of the timm loop."""
    large = given.batch_size
    contenders = {
        f"{name}, batch {large}, randaugment": ours(name, images, device, large, "randaugment"),
        f"{name}, batch 32, randaugment": ours(name, images, device, 32, "randaugment"),
    }
    goals: dict[str, float] = {f"{name}, batch {large}, randaugment": GOALS[name],
                               f"{name}, batch 32, randaugment": GOALS[name] / 2}  # fmt: skip
    if name == "resnet50":
        for kind in PEERS:
            key = f"{name}, batch {large}, {kind}"
            contenders.setdefault(key, ours(name, images, device, large, kind))
            contenders[f"timm-style loop, {kind}"] = theirs(
                name, images, device, large, kind, given.workers
            )
    speeds: dict[str, list[float]] = {what: [] for what in contenders}
    for _ in range(given.rounds):
        for what, step in contenders.items():
            speeds[what].append(_speed(step, given.steps, device))
    if device.type != "cuda":  # the goals are for a GPU
        yield from (_row(what, values, "", met=False) for what, values in speeds.items())
        return
    for what, values in speeds.items():
        goal = goals.get(what)
        text = f">= {goal:,.0f}" if goal else ""
        yield _row(what, values, text, statistics.median(values) >= (goal or 0))
    for kind, goal in PEERS.items() if name == "resnet50" else ():
        mine, peer = speeds[f"{name}, batch {large}, {kind}"], speeds[f"timm-style loop, {kind}"]
        ratios = [a / b for a, b in zip(mine, peer, strict=True)]
        yield _row(f"{name}: ours over the timm-style loop, {kind}", ratios, f">= {goal}",
                   statistics.median(ratios) >= goal, ".2f")  # fmt: skip


def ours(
    name: str, images: np.ndarray, device: torch.device, batch: int, augment: str
) -> Callable[[], int]:
    """Return a function that does one update, with all samples on the device, and counts images."""
    spec = find_model(name)
    settings = TrainSettings(batch_size=batch, image_size=SIZE, augment=augment)
    targets = np.arange(len(images)) % CLASSES
    labels = [str(k) for k in range(CLASSES)]
    data = TrainingData(images, targets, images[:0], targets[:0], labels)
    context = TrainingContext(spec, settings, device, data)
    model = spec.build(CLASSES)
    precision = choose_precision(model, device, (batch, 3, SIZE, SIZE), "auto")
    if device.type == "cuda":
        precision = type(precision)(precision.precision, precision.channels_last, compiled=True)
    model = precision.prepare(model, device).train()
    optimiser, objective = make_optimiser(model, 1e-3), Objective(context, precision)
    generator = torch.Generator().manual_seed(0)

    def step() -> int:
        rows = torch.randint(len(images), (batch,), generator=generator)
        train_step(objective, model, optimiser, rows, rows)
        return batch

    return step


def theirs(
    name: str, images: np.ndarray, device: torch.device, batch: int, augment: str, workers: int
) -> Callable[[], int]:
    """Return an update in timm's style: PIL augmentation in workers, channels_last, autocast."""
    spec = find_model(name)
    policy = {"augmix": transforms.AugMix, "randaugment": transforms.RandAugment}[augment]()
    steps = [transforms.ToPILImage(), policy, transforms.ToTensor(),
             transforms.Normalize(spec.mean, spec.std)]  # fmt: skip
    data = Arrays(images, transforms.Compose(steps))
    loader = DataLoader(data, batch, shuffle=True, num_workers=workers, drop_last=True,
                        pin_memory=device.type == "cuda", persistent_workers=True)  # fmt: skip
    model = spec.build(CLASSES).to(device).to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    supply = _endless(loader)

    def step() -> int:
        pixels, labels = (part.to(device, non_blocking=True) for part in next(supply))
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            loss = torch.nn.functional.cross_entropy(model(pixels), labels)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        return len(labels)

    return step


class Arrays:
    """A map-style dataset of arrays."""

    def __init__(self, images: np.ndarray, transform) -> None:
        self.images, self.transform = images, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int):
        return self.transform(self.images[index]), index % CLASSES


def _endless(loader: DataLoader) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    while True:
        yield from loader


def _speed(step: Callable[[], int], steps: int, device: torch.device) -> float:
    for _ in range(steps):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start, n = time.perf_counter(), 0
    for _ in range(steps):
        n += step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return n / (time.perf_counter() - start)


def _images(data: Path | None, n: int) -> np.ndarray:
    if data is None:
        return np.random.default_rng(0).integers(0, 256, (n, SIZE, SIZE, 3), dtype=np.uint8)
    with np.load(data, allow_pickle=False) as file:
        return file["images"]


def _row(what: str, values: list[float], goal: str, met: bool, form: str = ",.0f") -> str:
    spread = f"{min(values):{form}} to {max(values):{form}}"
    reached = ("yes" if met else "no") if goal else ""
    return f"| {what} | {statistics.median(values):{form}} | {spread} | {goal} | {reached} |"


def _machine(device: torch.device) -> str:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
    return f"{name or 'CPU'}, torch {torch.__version__}, {os.cpu_count()} cores; {date.today()}."


if __name__ == "__main__":
    main()
