"""Training images per second at 96x96, batch 32, against a plain loop of timm and torch.

One epoch from files to trained weights, from scratch, with flips as the only augmentation. The
plain loop is a DataLoader of two workers, float32 in torch's default memory layout, Adam and
cross-entropy. Each runs in a process of its own: the plain loop's torch threads spin while they
wait, which is the default, and so compete with the loader's workers. The other row is the same loop
with sleeping threads (``OMP_WAIT_POLICY=PASSIVE``), which the command line of bccurate sets.
``floor`` is the highest possible ratio to that loop in float32: all but the multiplications takes
no time, and they are as fast as torch's matrix product (forward pass, times three).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from bccurate.cli.group import THREADS_SLEEP
from tests.bench.cells import files_of
from tests.bench.measure import Figure, versus

TITLE = "Training on a CPU"
SIZE, BATCH, N, ROUNDS, CLASSES = 96, 32, 192, 3, 8
GOALS = {"custom_cnn": 1.8, "resnet50": 1.8, "inception_v3": 1.8, "efficientnet_b0": 1.8,
         "nasnet_mobile": 1.7}  # fmt: skip


def run(images: Path) -> list[Figure]:
    """Return two ratios per network; the second has no goal."""
    import torch

    files = files_of(images)
    paths = [str(files[i * len(files) // N]) for i in range(N)]
    rate = _matmul_rate()
    figures = []
    for name, goal in GOALS.items():
        seconds: dict[str, list[float]] = {"plain": [], "sleeping": [], "ours": []}
        for _ in range(ROUNDS):
            for contender, taken in seconds.items():
                taken.append(_in_a_process(contender, name, paths))
        floor = min(seconds["sleeping"]) / (3 * _multiplications(name) * N / rate)
        note = f"{torch.backends.cpu.get_cpu_capability()}, {N / min(seconds['ours']):.0f} images/s"
        figures += [
            versus(name, seconds["plain"], seconds["ours"], f">= {goal}", note),
            versus(f"{name}, plain loop with sleeping threads", seconds["sleeping"],
                   seconds["ours"], note=f"floor {floor:.2f}"),
        ]  # fmt: skip
    return figures


def _in_a_process(contender: str, name: str, paths: list[str]) -> float:
    """Return the seconds of one epoch, without the start of Python and the imports."""
    environment = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent.parent)
    if contender != "plain":
        environment |= THREADS_SLEEP
    code = (
        "import torch, json, sys, time, numpy as np\n"
        "from tests.bench import bench_training as bench\n"
        "paths = json.load(sys.stdin); targets = np.arange(len(paths)) % bench.CLASSES\n"
        f"run = bench.{'our' if contender == 'ours' else 'plain'}_epoch\n"
        f"run({name!r}, paths[:64], targets[:64])\n"  # loads what is needed on first use
        f"start = time.perf_counter(); run({name!r}, paths, targets)\n"
        "print(time.perf_counter() - start)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(paths), text=True, check=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
    )  # fmt: skip
    return float(ended.stdout.split()[-1])


def plain_epoch(name: str, paths: list[str], targets: np.ndarray, workers: int = 2) -> None:
    """Train as in the examples of timm and torch."""
    import torch
    from torch.utils.data import DataLoader
    from torchvision import transforms

    from bccurate.learning.registry import find_model

    spec = find_model(name)
    steps = [transforms.RandomHorizontalFlip(), transforms.RandomVerticalFlip(),
             transforms.ToTensor(), transforms.Normalize(spec.mean, spec.std)]  # fmt: skip
    files = Files(paths, targets, transforms.Compose(steps))
    loader = DataLoader(files, BATCH, shuffle=True, num_workers=workers)
    model = spec.build(CLASSES).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    for batch, labels in loader:
        loss = torch.nn.functional.cross_entropy(model(batch), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


class Files:
    """A map-style dataset of image files."""

    def __init__(self, paths: list[str], targets: np.ndarray, transform) -> None:
        self.paths, self.targets, self.transform = paths, targets, transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int):
        with Image.open(self.paths[index]) as image:
            resized = image.convert("RGB").resize((SIZE, SIZE))
        return self.transform(resized), int(self.targets[index])


def our_epoch(name: str, paths: list[str], targets: np.ndarray) -> str:
    """Train with bccurate, decoding included; the precision is given, not measured."""
    from bccurate.learning.data import load_pixels
    from bccurate.learning.registry import find_model
    from bccurate.learning.settings import TrainingData, TrainingOutput, TrainSettings
    from bccurate.learning.train import train

    spec = find_model(name)
    settings = TrainSettings(epochs=1, batch_size=BATCH, image_size=SIZE, augment="dihedral",
                             device="cpu", precision="float32")  # fmt: skip
    nothing = np.zeros((0, SIZE, SIZE, 3), np.uint8), np.zeros(0, np.int64)
    with tempfile.TemporaryDirectory() as folder:
        labels = [str(k) for k in range(CLASSES)]
        pixels = load_pixels(paths, SIZE)
        data = TrainingData(pixels, targets, *nothing, labels)
        result = train(spec, data, settings, TrainingOutput(Path(folder)))
    return result.precision


def _matmul_rate(side: int = 2048, rounds: int = 5) -> float:
    """Return multiplications per second of torch's float32 matrix product, the best of several."""
    import torch

    a, b = torch.randn(side, side), torch.randn(side, side)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - start)
    return side**3 / min(times)


def _multiplications(name: str) -> float:
    """Return the multiplications of a forward pass on one image."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from bccurate.learning.registry import find_model

    model = find_model(name).build(CLASSES).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 3, SIZE, SIZE))
    return counter.get_total_flops() / 2
