"""Decoded pixels to hash: the compiled kernel, which also takes the statistics and the thumbnail,
against imagehash, which computes one hash. One thread, in process, on decoded cells.

Below it the share of hashes that equal imagehash's bit for bit, of all cells and of every format in
every mode that it holds, read as the commands read them.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import numpy as np
from image_formats import REFERENCE, unequal, write_images

from bccurate.images.decode import decode_rgb
from bccurate.images.hashing import KNOWN, MEASURED, measure_into
from bccurate.images.workers import hash_many
from bccurate.native.image_measure import STATISTICS
from tests.bench import cells
from tests.bench.measure import Row, Share, interleaved, versus

TITLE = "Pixels to hash"
ROUNDS = 5
N_IMAGES = 1000
N_FORMATS = 5000


def run(images: Path) -> list[Row]:
    """Compare the time of each hash, then the bits."""
    from PIL import Image

    pixels = [decode_rgb(path) for path in cells.files_of(images)[:N_IMAGES]]
    pillow = [Image.fromarray(image) for image in pixels]
    rows: list[Row] = []
    for method, reference in REFERENCE.items():
        record = np.zeros(1, MEASURED)

        def ours(wanted: int = KNOWN[method] | STATISTICS, record: np.ndarray = record) -> None:
            for image in pixels:
                measure_into(image, record, wanted)

        def theirs(reference=reference) -> None:
            for image in pillow:
                reference(image)

        seconds = interleaved({"ours": ours, "theirs": theirs}, ROUNDS)
        micro = 1e6 * statistics.median(seconds["ours"]) / len(pixels)
        note = f"{len(pixels):,} images of {pixels[0].shape[0]} pixels, {micro:.0f} us an image"
        rows.append(versus(f"imagehash / bccurate, {method}", seconds["theirs"],
                           seconds["ours"], ">= 3", note))  # fmt: skip
    return [*rows, *_bits(images)]


def _bits(images: Path) -> list[Share]:
    with tempfile.TemporaryDirectory() as folder:
        sets = {
            "the cells": cells.files_of(images),
            "all formats": write_images(Path(folder), N_FORMATS, seed=2026),
        }
        return [
            _equal(f"{method} equal to imagehash's, {name}", paths, method)
            for name, paths in sets.items()
            for method in REFERENCE
        ]


def _equal(what: str, paths: list[Path], method: str) -> Share:
    hashes = list(hash_many([str(path) for path in paths], method))
    wrong = list(unequal(paths, hashes, method))
    note = f"first: {wrong[0].name}" if wrong else ""
    return Share(what, len(paths) - len(wrong), len(paths), ">= 1", note)
