"""Fuzz targets: each reads one file and ends in a value or in an error of the project."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bccurate.archives import unpack
from bccurate.errors import BccurateError
from bccurate.hub import runs
from bccurate.hub.import_formats import discover
from bccurate.images.image_stats import ImageStats, Unreadable, stats_of_batches
from bccurate.images.worker_tasks import _measure
from bccurate.images.workers import _batch
from bccurate.learning.registry import list_models
from bccurate.learning.safetensors_io import read_tensors

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
MAX_PIXELS = 64_000_000


def _image(file: Path) -> None:
    """Decode it as a worker does, in this process, so that a crash is seen."""
    head, body = _measure([str(file)], None)
    head = json.loads(json.dumps(head))
    (stats,) = stats_of_batches([_batch([str(file)], head, body)])
    assert isinstance(stats, ImageStats | Unreadable)
    if isinstance(stats, ImageStats):
        assert 0 < stats.width * stats.height <= MAX_PIXELS
        assert np.isfinite([stats.intensity_mean, stats.intensity_std, stats.sharpness]).all()
        json.dumps(stats.note).encode()
    else:
        assert stats.reason
        stats.reason.encode()


def _source(suffix: str) -> Callable[[Path], None]:
    def read(file: Path) -> None:
        named = file.with_suffix(suffix)
        os.replace(file, named)
        for row in discover(named, "fuzz").rows:
            assert os.path.isabs(row.filepath)

    return read


def _unpacked(file: Path) -> None:
    target = unpack(file, file.parent / "unpacked")
    assert not any(path.is_symlink() for path in target.rglob("*"))


def _manifest(file: Path) -> None:
    os.replace(file, file.parent / "manifest.json")
    for spec in list_models(file.parent):
        assert spec.name and ".." not in spec.module


def _weights(file: Path) -> None:
    tensors, header = read_tensors(file)
    assert sum(t.numel() * t.element_size() for t in tensors.values()) <= file.stat().st_size
    assert isinstance(header, dict)


def _run(file: Path) -> None:
    """Parse a stored record: a damaged one counts as missing and is reported."""
    record = runs.parse("import", file.read_bytes().decode("utf-8", "surrogateescape"))
    assert record is None or isinstance(record, dict)


TARGETS: dict[str, Callable[[Path], None]] = {
    "images": _image,
    "npz": _source(".npz"),
    "csv": _source(".csv"),
    "archives": _unpacked,
    "manifest": _manifest,
    "safetensors": _weights,
    "runs": _run,
}


def attempt(target: str, data: bytes, folder: Path) -> bool:
    """Return whether a target accepts ``data``; only a ``BccurateError`` is caught."""
    folder.mkdir(parents=True)
    file = folder / "input"
    file.write_bytes(data)
    try:
        TARGETS[target](file)
    except BccurateError:
        return False
    finally:
        shutil.rmtree(folder)
    return True


def seeds(target: str) -> list[Path]:
    """Return the corpus of a target."""
    return sorted((CORPUS / target).iterdir())
