"""Measure import, dedupe, split, predictions and views of one dataset of N samples.

    python -m tests.reliability.scale FOLDER N

prints processor seconds per step, MongoDB's and the workers' included, and the peak memory of the
process in MB. FOLDER holds the files that ``write_cells`` wrote.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

VARIANTS = 16  # of each cell: eight rotations and flips, of it and of it rotated by 45 degrees
SIDE = 64
CLASSES = 8


def write_cells(sources: list[Path], folder: Path, n: int) -> None:
    """Write N rotated and flipped sources as PNG files of SIDE pixels, in one folder per class."""
    for number, source in enumerate(sources[: -(-n // VARIANTS)]):
        with Image.open(source) as image:
            plain = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        tilted = plain.rotate(45, Image.Resampling.BILINEAR, fillcolor=plain.getpixel((0, 0)))
        for variant in range(min(VARIANTS, n - number * VARIANTS)):
            pixels = np.rot90(np.asarray(tilted if variant >= 8 else plain), variant % 4)
            pixels = pixels[:, ::-1] if variant % 8 >= 4 else pixels
            target = folder / f"class{number % CLASSES}" / f"{number:05d}_{variant:02d}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.ascontiguousarray(pixels)).save(target, compress_level=1)


def _processor_seconds() -> float:
    """Return those of this process, of its ended children and of every MongoDB of its parent."""
    own = os.times()
    beside = psutil.Process(os.getppid()).children()
    servers = [process.cpu_times() for process in beside if process.name() == "mongod"]
    return sum(own[:4]) + sum(times.user + times.system for times in servers)


def _predictions(name: str) -> None:
    from bccurate.hub.open import opened
    from bccurate.hub.predictions import write_predictions

    with opened(name, write=True) as dataset:
        ids = dataset.values("id")
        logits = np.random.default_rng(1).normal(size=(len(ids), CLASSES)).astype(np.float32)
        shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        classes = [f"class{label}" for label in range(CLASSES)]
        assert write_predictions(dataset, "model", ids, shares, logits, classes) == len(ids)


def _views(name: str) -> None:
    from bccurate import info
    from bccurate.hub.open import opened

    with opened(name) as dataset:
        sizes = {view: len(dataset.load_saved_view(view)) for view in dataset.list_saved_views()}
        assert sizes["train"] and sizes["test"]
    info(name)


def steps(folder: Path, name: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield the name and the function of each measured step, in order."""
    import bccurate

    yield "import", lambda: bccurate.import_(folder, name)
    yield "dedupe", lambda: bccurate.dedupe(name)
    yield "split", lambda: bccurate.split(name)
    yield "predictions", lambda: _predictions(name)
    yield "views", lambda: _views(name)


def main() -> None:
    """Measure every step and print one JSON object."""
    folder, n = Path(sys.argv[1]), int(sys.argv[2])
    from bccurate.hub.open import load_fiftyone

    fo = load_fiftyone()
    name = f"scale-{n}-{os.getpid()}"
    found: dict[str, Any] = {"n": n, "seconds": {}, "wall": {}}
    try:
        for step, work in steps(folder, name):
            began, clock = _processor_seconds(), time.perf_counter()
            work()
            found["seconds"][step] = round(_processor_seconds() - began, 2)
            found["wall"][step] = round(time.perf_counter() - clock, 2)
        dataset = fo.load_dataset(name)
        assert len(dataset) == len(set(dataset.values("filepath"))) == n
    finally:
        fo.delete_dataset(name)
    found["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(json.dumps(found))


if __name__ == "__main__":
    main()
