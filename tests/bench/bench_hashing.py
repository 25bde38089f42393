"""File to phash: ``hash_files`` against the plain loop ``imagehash.phash(Image.open(path))`` and
against decoders that only decode.

One thread, in seconds of the processor, unless a row says otherwise: two threads are timed by the
clock. Each contender is a process of its own; its imports and its first files are not counted.
PNGs: 96x96 cells as Pillow saves them. JPEGs: 500x500, quality 95, nine cells at twice their size.
A row "A / B" is the time of A over that of B.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from image_formats import REFERENCE, unequal, write_images

from bccurate.images.hashing import hash_files
from tests.bench import cells
from tests.bench.measure import Row, Share, Skipped, versus
from tests.bench.peers import Contender, Run, contend

TITLE = "File to hash"
ROUNDS = 5
OURS, TWO, LOOP = "bccurate", "bccurate, two threads", "imagehash loop"
N_FORMATS = 5000
DECODERS = {
    "Pillow": Contender("decode_pillow"),
    "OpenCV": Contender("decode_opencv"),
    "torchvision": Contender("decode_torchvision"),
    "imagecodecs": Contender("decode_imagecodecs", "imagecodecs"),
    "kornia-rs": Contender("decode_kornia", "kornia-rs"),
}
JPEG_DECODERS = {"simplejpeg": Contender("decode_simplejpeg", "simplejpeg")}
CONTENDERS = {
    OURS: Contender("hash_bccurate", workers=1),
    TWO: Contender("hash_bccurate", workers=2),
    LOOP: Contender("hash_imagehash"),
}


def run(images: Path) -> list[Row]:
    """Throughput on both kinds of file, then the bits."""
    pngs, jpegs = cells.flat(images, ".png", 3000), cells.mosaics(images, 600)
    return [
        *_throughput("96x96 PNG", pngs, DECODERS, (">= 3", ">= 1")),
        *_throughput("500x500 JPEG", jpegs, DECODERS | JPEG_DECODERS, (">= 2", ">= 0.7")),
        *_bits(images),
    ]


def _throughput(
    kind: str, folder: Path, decoders: dict[str, Contender], goals: tuple[str, str]
) -> list[Row]:
    runs, failed = contend(CONTENDERS | decoders, folder, ROUNDS)
    loop, ours = _cpu(runs[LOOP]), _cpu(runs[OURS])
    alone = {name: statistics.median(_cpu(runs[name])) for name in decoders if name in runs}
    fastest = min(alone, key=lambda name: alone[name])
    n = runs[OURS][0].found
    micro = 1e6 * statistics.median(ours) / n
    rows: list[Row] = [
        versus(f"{kind}: {LOOP} / {OURS}", loop, ours, goals[0],
               f"{n:,} files, {micro:.0f} microseconds a file, {runs[OURS][0].peak_mib:.0f} MiB"),
        versus(f"{kind}: fastest decoder alone / {OURS}", _cpu(runs[fastest]), ours, goals[1],
               f"{fastest}, {1e6 * alone[fastest] / n:.0f} microseconds a file"),
        versus(f"{kind}: {OURS}, one thread / two threads, by the clock",
               _seconds(runs[OURS]), _seconds(runs[TWO]), ">= 1.7"),
    ]  # fmt: skip
    for name in decoders:
        what = f"{kind}: {LOOP} / decoding alone, {name}"
        if name in failed:
            rows.append(Skipped(what, failed[name]))
        else:
            rows.append(versus(what, loop, _cpu(runs[name])))
    return rows


def _cpu(runs: list[Run]) -> list[float]:
    return [run.cpu_seconds for run in runs]


def _seconds(runs: list[Run]) -> list[float]:
    return [run.seconds for run in runs]


def _bits(images: Path) -> list[Share]:
    """How many hashes equal imagehash's: all cells, and every format in every mode it holds."""
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
    hashes = hash_files([str(path) for path in paths], method)
    wrong = list(unequal(paths, hashes, method))
    note = f"first: {wrong[0].name}" if wrong else ""
    return Share(what, len(paths) - len(wrong), len(paths), ">= 1", note)
