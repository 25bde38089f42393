"""Time and disk space of 12,000 Grad-CAM maps in a Heatmap field, and of the App's grid with them.

Maps of an untrained ``custom_cnn`` at 96 pixels on the cells, 1,200 of them ten times each. In
bccurate they are uint8 in the database; the others are alternatives in FiftyOne. Sizes are those
of the collection, as documents and as compressed files, minus the samples without maps. The grid
is timed from opening the URL to the last tile on the screen in a headless Chromium, alternately
with and without heatmaps.
"""

from __future__ import annotations

import importlib.util
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.cells import files_of
from tests.bench.measure import Figure, Row, Skipped, figure, versus

TITLE = "Heatmaps in the App"
N, MADE, SIDE, ROUNDS, LOADS = 12_000, 1200, 96, 3, 9
FIELD = "gradcam_custom_cnn"
OURS = "uint8 in the database"
Write = Callable[[Any, list[str]], None]
# All tiles on the screen have drawn their image.
DRAWN = """() => {
  const tiles = [...document.querySelectorAll("[data-cy='looker']")];
  return tiles.length > 0 && tiles.every(t => t.querySelector("canvas[canvas-loaded='true']"));
}"""


def run(images: Path) -> list[Row]:
    """Return time and size of each format, then the grid."""
    with tempfile.TemporaryDirectory(prefix="bccurate-heatmaps-") as scratch:
        folder = Path(scratch)
        paths, (maps, raw) = _links(images, folder / "cells"), _maps(images)
        formats: dict[str, Write] = {
            OURS: partial(_ours, maps),
            "float32 in the database": partial(_database, maps),
            "uint8 PNG files": partial(_files, maps, folder / "maps"),
            "the layer's own 6x6 as uint8": partial(_database, _bytes(raw)),
        }
        return [*_storing(formats, paths), *_grid(folder / "cells", partial(_ours, maps))]


def _links(images: Path, folder: Path) -> list[str]:
    """Return the paths of N links to the cells, repeated as necessary."""
    folder.mkdir()
    files = files_of(images)
    for number in range(N):
        file = files[number % len(files)]
        (folder / f"{number:05d}{file.suffix}").symlink_to(file.resolve())
    return sorted(map(str, folder.iterdir()))


def _maps(images: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return float maps (N, H, W) in [0, 1], and those at the size of the layer."""
    import torch

    from bccurate.explanation.gradcam import gradcam
    from bccurate.learning.data import load_pixels, to_inputs
    from bccurate.learning.registry import find_model

    torch.manual_seed(0)
    spec = find_model("custom_cnn")
    files = files_of(images)
    pixels = load_pixels([str(files[i * len(files) // MADE]) for i in range(MADE)], SIDE)
    targets = torch.arange(MADE) % 8
    found = gradcam(
        spec.build(8), spec.gradcam_layer, to_inputs(pixels, spec), targets, keep_raw=True
    )
    assert found.raw is not None
    small = found.raw.clip(0)
    small /= np.maximum(small.max(axis=(1, 2), keepdims=True), 1e-12)
    return np.tile(found.maps, (N // MADE, 1, 1)), np.tile(small, (N // MADE, 1, 1))


def _bytes(maps: np.ndarray) -> np.ndarray:
    return np.rint(maps * 255).astype(np.uint8)


def _ours(maps: np.ndarray, dataset: Any, ids: list[str]) -> None:
    from bccurate.hub.heatmaps import write_heatmaps

    write_heatmaps(dataset, FIELD, ids, maps)


def _database(maps: np.ndarray, dataset: Any, ids: list[str]) -> None:
    import fiftyone as fo

    top = 255 if maps.dtype == np.uint8 else 1
    _set(dataset, ids, (fo.Heatmap(map=heat, range=[0, top]) for heat in maps))


def _files(maps: np.ndarray, folder: Path, dataset: Any, ids: list[str]) -> None:
    import fiftyone as fo
    from PIL import Image

    folder.mkdir(exist_ok=True)

    def saved(heat: np.ndarray, sample: str) -> str:
        Image.fromarray(heat).save(folder / f"{sample}.png")
        return str(folder / f"{sample}.png")

    pairs = zip(_bytes(maps), ids, strict=True)
    _set(dataset, ids, (fo.Heatmap(map_path=saved(*pair), range=[0, 255]) for pair in pairs))


def _set(dataset: Any, ids: list[str], labels: Iterator[Any]) -> None:
    from bccurate.hub.heatmaps import BATCH
    from bccurate.hub.write import set_labels

    set_labels(dataset, FIELD, ids, labels, batch=BATCH)


def _storing(formats: dict[str, Write], paths: list[str]) -> list[Figure]:
    """Return the seconds of each format, with a new dataset in each round, and its disk space."""
    seconds: dict[str, list[float]] = {name: [] for name in formats}
    sizes: dict[str, str] = {}
    for _ in range(ROUNDS):
        for name, write in formats.items():
            with _dataset(paths) as dataset:
                ids, before = dataset.values("id"), _size(dataset)
                start = time.perf_counter()
                write(dataset, ids)
                seconds[name].append(time.perf_counter() - start)
                sizes.setdefault(name, _size_text(before, _size(dataset)))
    n = len(paths)
    return [
        figure(f"{OURS} (ours): seconds for {n:,} maps", seconds[OURS], "", sizes[OURS]),
        *(versus(f"{name} / ours, writing", seconds[name], seconds[OURS],
                 note=f"{statistics.median(seconds[name]):.1f} s, {sizes[name]}")
          for name in formats if name != OURS),
    ]  # fmt: skip


@contextmanager
def _dataset(paths: list[str]) -> Iterator[Any]:
    import fiftyone as fo

    from bccurate.hub.write import add_samples

    dataset = fo.Dataset()
    add_samples(dataset, (fo.Sample(filepath=path) for path in paths))
    try:
        yield dataset
    finally:
        dataset.delete()


def _size(dataset: Any) -> tuple[int, int]:
    """Return the bytes of the collection's documents and of its file, after a sync."""
    collection = dataset._sample_collection
    collection.database.client.admin.command("fsync")
    stats = collection.database.command("collStats", collection.name)
    return stats["size"], stats["storageSize"]


def _size_text(before: tuple[int, int], after: tuple[int, int]) -> str:
    documents, disk = (new - old for new, old in zip(after, before, strict=True))
    return f"documents {documents / 1e6:.1f} MB, database on disk {disk / 1e6:.1f} MB"


def _grid(cells: Path, write: Write) -> list[Row]:
    """Return the ratio of seconds to the first grid, with and without heatmaps."""
    import bccurate
    from bccurate.hub.predictions import show_in_app
    from tests.chromium import CHROMIUM

    what = "first grid with heatmaps / without"
    if not CHROMIUM or importlib.util.find_spec("playwright") is None:
        return [Skipped(what, "no chromium or no playwright", "<= 1.5")]
    import fiftyone as fo

    without, with_maps = "bench-heatmaps-without", "bench-heatmaps-with"
    bccurate.import_(cells, without)
    plain = fo.load_dataset(without)
    shown = plain.clone(with_maps, persistent=True)
    try:
        write(shown, shown.values("id"))
        show_in_app(shown, FIELD)
        seconds = _load(without, with_maps)
    finally:
        plain.delete()
        shown.delete()
    took = ", ".join(f"{statistics.median(values):.2f} s" for values in seconds.values())
    return [versus(what, seconds[with_maps], seconds[without], "<= 1.5", f"without, with: {took}")]


def _load(*names: str) -> dict[str, list[float]]:
    """Return the seconds from opening the URL to the first grid, after opening each once."""
    from playwright.sync_api import sync_playwright

    from tests.app.browser import ARGUMENTS, NO_POPOVER
    from tests.app.conftest import app
    from tests.chromium import CHROMIUM

    seconds: dict[str, list[float]] = {name: [] for name in names}
    with app(names[0]) as served, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=ARGUMENTS
        )
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.set_default_timeout(60_000)
        context.add_init_script(NO_POPOVER)
        page = context.new_page()
        for load in range(LOADS + 1):
            for name in names:
                start = time.perf_counter()
                page.goto(f"{served.url}/datasets/{name}")
                page.wait_for_function(DRAWN)
                if load:
                    seconds[name].append(time.perf_counter() - start)
        browser.close()
    return seconds
