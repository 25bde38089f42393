"""What is fuzzed: each target reads one file and ends in a value or in an error of ours."""

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
from bccurate.images.image_stats import ImageStats, Unreadable
from bccurate.images.plain import read_batch
from bccurate.learning.registry import list_models
from bccurate.learning.safetensors_io import read_tensors

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
MOST_PIXELS = 64_000_000


def _image(file: Path) -> None:
    """By both roads, and each answer is one that the rest can rely on."""
    (facts,) = read_batch([str(file)])
    assert isinstance(facts, ImageStats | Unreadable)
    if isinstance(facts, ImageStats):
        assert 0 < facts.width * facts.height <= MOST_PIXELS
        assert np.isfinite([facts.intensity_mean, facts.intensity_std, facts.sharpness]).all()
        json.dumps(facts.note).encode()
    else:
        assert facts.reason
        facts.reason.encode()


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
    """A stored record: what is damaged counts as not there, and is said."""
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
    """Whether a target takes ``data``; whatever it raises but an error of ours is let through."""
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
    """The corpus of a target."""
    return sorted((CORPUS / target).iterdir())
