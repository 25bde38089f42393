"""Recall and precision of ``dedupe`` on changed copies planted among the cells, 200 of each kind.

The strength of each planted copy is drawn within the stated range; thresholds were set on other
copies (docs/duplicates.md).
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from tests.bench.cells import files_of
from tests.bench.measure import Share

TITLE = "Duplicates planted among the cells"
EACH = 200
Rng = np.random.Generator
Change = Callable[[Image.Image, Rng], Image.Image]


def _jpeg(image: Image.Image, rng: Rng) -> Image.Image:
    file = io.BytesIO()
    image.save(file, format="JPEG", quality=int(rng.integers(50, 96)))
    return Image.open(file)


def _resize(image: Image.Image, rng: Rng) -> Image.Image:
    side = round(image.width * rng.uniform(0.5, 2))
    return image.resize((side, side), Image.Resampling.BICUBIC)


def _light(image: Image.Image, rng: Rng) -> Image.Image:
    kind = ImageEnhance.Brightness if rng.random() < 0.5 else ImageEnhance.Contrast
    return kind(image).enhance(rng.uniform(0.9, 1.1))


def _shift(image: Image.Image, rng: Rng) -> Image.Image:
    dx, dy = [(2, 0), (0, 2), (-2, 0), (0, -2), (2, 2), (-2, 2)][int(rng.integers(6))]
    wide = np.pad(np.asarray(image), ((2, 2), (2, 2), (0, 0)), mode="edge")
    height, width = image.height, image.width
    return Image.fromarray(wide[2 + dy : 2 + dy + height, 2 + dx : 2 + dx + width])


def _crop(image: Image.Image, rng: Rng) -> Image.Image:
    lost = image.width * 0.05
    left, top = rng.uniform(0, lost, 2)
    box = (left, top, left + image.width - lost, top + image.height - lost)
    return image.transform(image.size, Image.Transform.EXTENT, box, Image.Resampling.BICUBIC)


def _noise(image: Image.Image, rng: Rng) -> Image.Image:
    noisy = np.asarray(image) + rng.normal(0, rng.uniform(2, 8), (image.height, image.width, 3))
    return Image.fromarray(np.uint8(np.clip(noisy, 0, 255)))


CHANGES: dict[str, Change] = {
    "exact copy": lambda image, rng: image,
    "JPEG quality 50 to 95": _jpeg,
    "resize by 0.5 to 2": _resize,
    "brightness or contrast within 10 %": _light,
    "shift by 2 pixels": _shift,
    "crop of 5 %, anywhere": _crop,
    "Gaussian blur, sigma 0.5 to 1.2": lambda image, rng: image.filter(
        ImageFilter.GaussianBlur(rng.uniform(0.5, 1.2))
    ),
    "Gaussian noise, sigma 2 to 8 of 255": _noise,
}
ROTATIONS: dict[str, Change] = {
    "rotation by 90, 180 or 270": lambda image, rng: image.rotate(90 * int(rng.integers(1, 4))),
    "flip": lambda image, rng: image.transpose(Image.Transpose(int(rng.integers(2)))),
}


def run(images: Path, seed: int = 2026) -> list[Share]:
    """Measure recall by change and precision over all, by default and with ``--rotations``."""
    rng = np.random.default_rng(seed)
    files = files_of(images)
    folder = Path(tempfile.mkdtemp(prefix="bccurate-plant-"))
    sources = rng.permutation(len(files))
    truth: dict[str, tuple[str, str]] = {}
    for number, (name, change) in enumerate([*CHANGES.items(), *ROTATIONS.items()]):
        for which in sources[number * EACH : (number + 1) * EACH]:
            with Image.open(files[which]) as image:
                changed = change(image.convert("RGB"), rng)
            target = folder / f"{number}_{which:05d}.png"
            changed.save(target)
            truth[str(target)] = (name, str(files[which]))
    before = {frozenset(g["members"]) for g in _groups([images], rotations=True)}
    return [
        share
        for rotations in (False, True)
        for share in _shares(_groups([images, folder], rotations), truth, before, rotations)
    ]


def _groups(folders: list[Path], rotations: bool) -> list[dict]:
    """Return the groups of all images in the folders."""
    import bccurate

    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="") as file:
        table = csv.writer(file)
        table.writerow(["filepath", "label"])
        table.writerows([path, path.parent.name] for f in folders for path in files_of(f))
        file.flush()
        return bccurate.dedupe(path=file.name, rotations=rotations).groups


def _shares(groups: list[dict], truth: dict, before: set, rotations: bool) -> list[Share]:
    group_of = {path: number for number, g in enumerate(groups) for path in g["members"]}
    found: dict[str, int] = {}
    false = 0
    known = {path for pair in before for path in pair}
    for path, (change, source) in truth.items():
        hit = path in group_of and group_of[path] == group_of.get(source)
        found[change] = found.get(change, 0) + hit
    for group in groups:
        roots = {truth[path][1] if path in truth else path for path in group["members"]}
        false += len(roots) > 1 and not roots <= known
    suffix = ", --rotations" if rotations else ""
    rows = [
        Share(f"recall: {change}{suffix}", n, EACH)
        for change, n in found.items()
        if rotations or change in CHANGES
    ]
    return [*rows, Share(f"precision of groups{suffix}", len(groups) - false, len(groups))]
