"""Problems to plant among rendered cells, and the plan that says which file gets which.

A plan is settled before a pixel is drawn, so that one picture at a time is in memory however
many are asked for, and the truth is known exactly.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from bccurate.errors import UsageError
from bccurate.rendering.cells import CLASSES

# Images a class in the PBC data: a little unbalanced, as counts of blood cells are.
CLASS_WEIGHTS = {
    "basophil": 1218,
    "eosinophil": 3117,
    "erythroblast": 1551,
    "ig": 2895,
    "lymphocyte": 1214,
    "monocyte": 1420,
    "neutrophil": 3329,
    "platelet": 2348,
}
SHARES = {"exact": 0.02, "near": 0.01, "conflict": 0.005, "outlier": 0.02, "mislabel": 0.02}
COPIES = ("exact", "near", "conflict")
NEAR_KINDS = ("jpeg q60", "brightness +2 %", "resized 0.75x and back")
OUTLIER_KINDS = ("blended with a bright picture", "nearly black", "nearly white", "out of stain")
UNREADABLE_KINDS = ("truncated PNG", "text called .png", "empty file")
MINIMUM = 16  # fewer files do not hold one of each problem beside one of each class


@dataclass(frozen=True)
class Item:
    """One file to write.

    ``source`` numbers the render, ``cell`` is the class that was drawn and ``label`` the folder
    that the file goes to. ``problem`` is a key of ``SHARES``, ``"unreadable"`` or ``""``;
    ``kind`` is its variant, and ``original`` the path of what a copy was taken from.
    """

    number: int
    source: int
    cell: str
    label: str
    problem: str = ""
    kind: str = ""
    original: str | None = None

    @property
    def path(self) -> str:
        """The image's path below the data set's folder."""
        return f"images/{self.label}/cell_{self.number:05d}.png"

    @property
    def mask(self) -> str:
        """The mask's path below the data set's folder."""
        return f"masks/{self.label}/cell_{self.number:05d}.png"


def planted_counts(n: int) -> dict[str, int]:
    """How many of ``n`` files get each problem, at least one of each.

    Raises:
        UsageError: ``n`` is under 16.
    """
    if n < MINIMUM:
        raise UsageError(f"{n} images are too few to plant problems in; {MINIMUM} is the least")
    counts = {problem: max(1, round(share * n)) for problem, share in SHARES.items()}
    return {**counts, "unreadable": 3 if n >= 200 else 2}


def plan(n: int, seed: int) -> list[Item]:
    """The ``n`` files of a data set; names are shuffled so that they tell nothing."""
    rng = np.random.default_rng([seed, n])
    counts = planted_counts(n)
    rendered = n - sum(counts[problem] for problem in (*COPIES, "unreadable"))
    numbers = rng.permutation(n).tolist()
    cells = _draw_labels(rendered, rng)
    items = [Item(numbers[i], i, cell, cell) for i, cell in enumerate(cells)]
    # Every image gets one problem at most, so that each truth stands on its own.
    free = rng.permutation(rendered).tolist()
    for i in range(counts["outlier"]):
        _change(items, free.pop(), problem="outlier", kind=OUTLIER_KINDS[i % len(OUTLIER_KINDS)])
    for _ in range(counts["mislabel"]):
        which = free.pop()
        _change(items, which, problem="mislabel", label=_other(cells[which], rng))
    for problem in COPIES:
        for i in range(counts[problem]):
            of = items[free.pop()]
            kind = NEAR_KINDS[i % len(NEAR_KINDS)] if problem == "near" else ""
            label = _other(of.cell, rng) if problem == "conflict" else of.label
            number = numbers[len(items)]
            items.append(Item(number, of.source, of.cell, label, problem, kind, of.path))
    for i in range(counts["unreadable"]):
        cell = CLASSES[int(rng.integers(len(CLASSES)))]
        number = numbers[len(items)]
        items.append(Item(number, len(items), cell, cell, "unreadable", UNREADABLE_KINDS[i]))
    return sorted(items, key=lambda item: item.number)


def _draw_labels(count: int, rng: np.random.Generator) -> list[str]:
    """``count`` labels in the proportion of ``CLASS_WEIGHTS``, one of each at least, shuffled."""
    weights = np.array([CLASS_WEIGHTS[label] for label in CLASSES], float)
    exact = 1 + (count - len(CLASSES)) * weights / weights.sum()
    quotas = exact.astype(int)
    short = count - int(quotas.sum())
    quotas[np.argsort(quotas - exact, kind="stable")[:short]] += 1
    return rng.permutation(np.repeat(CLASSES, quotas)).tolist()


def _other(label: str, rng: np.random.Generator) -> str:
    others = [name for name in CLASSES if name != label]
    return others[int(rng.integers(len(others)))]


def _change(items: list[Item], which: int, problem: str, kind: str = "", label: str = "") -> None:
    old = items[which]
    items[which] = Item(old.number, old.source, old.cell, label or old.label, problem, kind)


def near_copy(image: np.ndarray, kind: str) -> np.ndarray:
    """``image`` (S, S, 3) uint8 after the change ``kind``, one of ``NEAR_KINDS``."""
    if kind == "brightness +2 %":
        return np.clip(image * np.float32(1.02) + 0.5, 0, 255).astype(np.uint8)
    picture = Image.fromarray(image)
    if kind == "jpeg q60":
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=60)
        return np.asarray(Image.open(buffer))
    small = (round(image.shape[1] * 0.75), round(image.shape[0] * 0.75))
    shrunk = picture.resize(small, Image.Resampling.BICUBIC)
    return np.asarray(shrunk.resize(picture.size, Image.Resampling.BICUBIC))


def outlier(image: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    """``image`` (S, S, 3) uint8 spoilt in the way ``kind``, one of ``OUTLIER_KINDS``."""
    pixels: np.ndarray = image.astype(np.float32)
    if kind == "nearly black":
        pixels *= 0.06
    elif kind == "nearly white":
        pixels = 255 - (255 - pixels) * np.float32(0.05)
    elif kind == "out of stain":
        pixels = pixels[..., [1, 0, 2]] * np.array([0.55, 0.8, 0.6], np.float32)
    else:
        pixels = 0.3 * pixels + 0.7 * _bright_picture(image.shape[0], rng)
    return np.clip(pixels + 0.5, 0, 255).astype(np.uint8)


def _bright_picture(size: int, rng: np.random.Generator) -> np.ndarray:
    """Bands of strong, light colours (size, size, 3) float32, 120 to 255."""
    coarse = rng.uniform(120, 255, (3, 5, 3)).astype(np.uint8)
    picture = Image.fromarray(coarse).resize((size, size), Image.Resampling.NEAREST)
    return np.asarray(picture, np.float32)


def unreadable(png: bytes, kind: str) -> bytes:
    """The bytes of a file that no decoder reads, made from the whole ``png``."""
    if kind == "truncated PNG":
        return png[: len(png) // 2]
    return b"" if kind == "empty file" else b"This is a note, not a picture.\n"
