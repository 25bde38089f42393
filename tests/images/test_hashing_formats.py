"""The hash of a file is imagehash's, whatever its format, mode and size."""

from __future__ import annotations

from pathlib import Path

import pytest
from image_formats import KINDS, REFERENCE, unequal, write_images
from PIL import Image

from bccurate.archives import unpack
from bccurate.images.hashing import hash_files


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> list[Path]:
    return write_images(tmp_path_factory.mktemp("formats"), 360)


@pytest.mark.parametrize("method", REFERENCE)
def test_every_format_hashes_as_imagehash_does(images: list[Path], method: str) -> None:
    """All bits, on six formats with all their modes, 1 to 200 pixels a side."""
    assert {path.suffix for path in images} == {suffix for suffix, _, _ in KINDS}
    hashes = hash_files([str(path) for path in images], method)
    assert list(unequal(images, hashes, method)) == []


def test_threads_change_nothing(images: list[Path]) -> None:
    """Two threads give the hashes of one, in the order of the paths."""
    paths = [str(path) for path in images]
    assert hash_files(paths, threads=2) == hash_files(paths)


def test_an_unreadable_file_has_no_hash(tmp_path: Path) -> None:
    """None in its place; the others keep theirs."""
    Image.radial_gradient("L").save(tmp_path / "good.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes()[:400])
    (tmp_path / "empty.jpg").touch()
    names = ["cut.png", "good.png", "empty.jpg", "missing.png"]
    good = str(REFERENCE["phash"](Image.radial_gradient("L")))
    assert hash_files([str(tmp_path / name) for name in names]) == [None, good, None, None]


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("method", REFERENCE)
def test_every_cell_of_the_paper_hashes_as_imagehash_does(real_data, tmp_path, method) -> None:
    """All bits of all 11,959 cells."""
    paths = sorted(unpack(real_data, tmp_path / "cells").rglob("*.jpg"))
    assert len(paths) == 11_959
    assert list(unequal(paths, hash_files([str(path) for path in paths], method), method)) == []
