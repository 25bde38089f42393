"""A folder of rendered cells with planted problems, their masks, and the truth about them.

    folder/images/<label>/cell_00042.png    what a person would import
    folder/masks/<label>/cell_00042.png     0 or 255, the labelled cell; for every readable image
    folder/truth.json                       what was planted where

``truth.json`` holds ``exact_pairs``, ``near_pairs`` and ``label_conflicts`` as
``[original, copy]`` and ``outliers``, ``mislabels`` and ``unreadable`` as lists, all of paths
relative to the folder; ``true_labels`` gives the class drawn where it is not the folder's name,
``kinds`` the variant of a problem, ``parameters`` what the folder was made with. A label conflict
is an exact copy too: same bytes, another label.
"""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bccurate.errors import UsageError
from bccurate.files import atomic_write, disk_errors
from bccurate.progress import track
from bccurate.rendering.cells import render_cell
from bccurate.rendering.planting import Item, near_copy, outlier, plan, planted_counts, unreadable

VERSION = 1  # raised when the same parameters come to give other pixels
PAIRS = {"exact": "exact_pairs", "near": "near_pairs", "conflict": "label_conflicts"}
SINGLES = {"outlier": "outliers", "mislabel": "mislabels", "unreadable": "unreadable"}


def render_dataset(
    folder: Path, n: int = 400, seed: int = 51, size: int = 96
) -> tuple[Path, dict[str, int], bool]:
    """Render ``n`` files into ``folder``, whole or not at all; same arguments, same bytes.

    Args:
        folder: a new or empty folder, or one that an earlier call finished.
        n: number of image files, copies and unreadable ones counted, at least 16.
        seed: at least 0.
        size: side of the pictures in pixels, at least 16.

    Returns:
        The path of ``truth.json``, the number planted by kind, and whether anything was written
        (False where the folder was there with the same parameters).

    Raises:
        UsageError: an argument is out of range, or the folder holds something else.
        NoSpaceError: the disk is full.
    """
    if seed < 0 or size < 16:
        raise UsageError(f"seed {seed} and size {size}: the least are 0 and 16")
    counts = planted_counts(n)
    planted = {(PAIRS | SINGLES)[problem]: count for problem, count in counts.items()}
    parameters = {"n": n, "seed": seed, "size": size, "version": VERSION}
    truth = folder / "truth.json"
    if _is_finished(folder, parameters):
        return truth, planted, False
    with disk_errors(folder):
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise UsageError(f"{folder.parent} is a file, so no folder can be made in it") from None
        work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            _write(work / "new", plan(n, seed), parameters)
            (work / "new").replace(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return truth, planted, True


def _is_finished(folder: Path, parameters: dict[str, int]) -> bool:
    """Whether ``folder`` is the result already; an error where it is something else."""
    if not folder.exists():
        return False
    try:
        found = json.loads((folder / "truth.json").read_text("utf-8"))["parameters"]
    except (OSError, ValueError, KeyError, TypeError):
        if folder.is_dir() and not any(folder.iterdir()):
            return False
        raise UsageError(
            f"{folder} is there and holds something that is not a rendered data set",
            f"bccurate sample {folder}-rendered",
        ) from None
    if found != parameters:
        raise UsageError(
            f"{folder} holds a data set rendered with {found}", f"bccurate sample {folder}-2"
        )
    return True


def _write(folder: Path, items: list[Item], parameters: dict[str, int]) -> None:
    for item in track(items, len(items), "Rendering cells"):
        image, mask = _encode(item, parameters["seed"], parameters["size"])
        _save(folder / item.path, image)
        if mask is not None:
            _save(folder / item.mask, mask)
    with atomic_write(folder / "truth.json", "w") as file:
        json.dump(_truth(items, parameters), file, indent=1)


def _encode(item: Item, seed: int, size: int) -> tuple[bytes, bytes | None]:
    """The bytes of the item's image and mask. A copy is rendered again, from the same numbers."""
    rng = np.random.default_rng([seed, item.source])
    image, mask = render_cell(item.cell, rng, size)
    if item.problem == "unreadable":
        return unreadable(_png(image), item.kind), None
    if item.problem == "near":
        image = near_copy(image, item.kind)
    if item.problem == "outlier":
        image = outlier(image, item.kind, rng)
    return _png(image), _png(mask.astype(np.uint8) * 255)


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _save(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _truth(items: list[Item], parameters: dict[str, int]) -> dict[str, Any]:
    truth: dict[str, Any] = {"parameters": parameters}
    for problem, key in PAIRS.items():
        truth[key] = [[item.original, item.path] for item in items if item.problem == problem]
    for problem, key in SINGLES.items():
        truth[key] = [item.path for item in items if item.problem == problem]
    truth["true_labels"] = {item.path: item.cell for item in items if item.cell != item.label}
    truth["kinds"] = {item.path: item.kind for item in items if item.kind}
    return truth
