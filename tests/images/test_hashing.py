"""Hashes equal imagehash's, bit for bit, whatever the format, mode and size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from image_formats import KINDS, REFERENCE, unequal, write_images
from PIL import Image

from bccurate import native
from bccurate.archives import unpack
from bccurate.images.hashing import KNOWN, METHODS, hash_pixels, measure_into, to_uint64
from bccurate.images.workers import hash_many, read_many
from bccurate.native import image_measure
from bccurate.native.image_measure import ALL, MEASURED


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(96, 96, 3), (31, 57, 3), (8, 8, 3), (1, 1, 3), (3, 200, 3)])
def test_every_method_equals_imagehash(method: str, shape) -> None:
    """16 digits, equal to imagehash, on noise of any shape."""
    rgb = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert hash_pixels(rgb, method) == str(REFERENCE[method](Image.fromarray(rgb)))
    assert len(hash_pixels(rgb, method)) == 16


def test_hexadecimal_to_numbers_keeps_all_64_bits() -> None:
    """The largest hash does not overflow."""
    assert to_uint64(["0" * 16, "f" * 16, "8" + "0" * 15]).tolist() == [0, 2**64 - 1, 2**63]
    assert to_uint64([]).dtype == np.uint64


@pytest.mark.parametrize("shape", [(96, 96), (1, 1), (3, 200), (31, 57), (500, 333), (1030, 40)])
def test_the_kernel_and_numpy_measure_the_same(shape, monkeypatch) -> None:
    """Every hash, sum and thumbnail, for any shape; without a compiler nothing is lost."""
    rgb = np.random.default_rng(3).integers(0, 256, (*shape, 3), dtype=np.uint8)
    records = np.zeros(2, MEASURED)
    measure_into(rgb, records[:1])
    monkeypatch.setattr(image_measure, "_measure", None)
    measure_into(rgb, records[1:])
    for method in METHODS:  # of a hash that only imagehash can compute the bits do not count
        records[method] *= (records["known"] & KNOWN[method]) > 0
    assert records[0] == records[1]


def test_the_kernel_for_older_processors_measures_the_same() -> None:
    """It has the same source but other instructions."""
    older, newer = native._open("_kernels"), native._open("_kernels_v3")
    if older is None or newer is None:
        pytest.skip("this machine has one build of the kernels")
    rgb = np.random.default_rng(5).integers(0, 256, (61, 97, 3), dtype=np.uint8)
    records = np.zeros(2, MEASURED)
    for library, record in zip((older, newer), (records[:1], records[1:]), strict=True):
        library.bc_measure_pixels.argtypes = image_measure._measure.argtypes
        assert library.bc_measure_pixels(rgb.ctypes.data, 97, 61, 3, ALL, record.ctypes.data)
    assert records[0] == records[1]


def test_sharpness_by_hand(tmp_path) -> None:
    """One bright pixel in 5x5: Laplacian -4a once, a four times, 0 four times of nine."""
    grey = np.zeros((5, 5), dtype=np.uint8)
    grey[2, 2] = 9
    Image.fromarray(grey).save(tmp_path / "a.png")
    Image.fromarray(grey[:2]).save(tmp_path / "b.png")
    one, two = read_many([str(tmp_path / "a.png"), str(tmp_path / "b.png")])
    assert one.sharpness == pytest.approx(np.var([-36.0] + 4 * [9.0] + 4 * [0.0]))
    assert two.sharpness == 0
    assert one.intensity_mean == pytest.approx(9 / 25)


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> list[Path]:
    return write_images(tmp_path_factory.mktemp("formats"), 360)


@pytest.mark.parametrize("method", METHODS)
def test_every_format_hashes_as_imagehash_does(images: list[Path], method: str) -> None:
    """All bits, on six formats with all their modes, 1 to 200 pixels a side."""
    assert {path.suffix for path in images} == {suffix for suffix, _, _ in KINDS}
    hashes = list(hash_many([str(path) for path in images], method))
    assert list(unequal(images, hashes, method)) == []


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("method", METHODS)
def test_every_real_cell_hashes_as_imagehash_does(real_data, tmp_path, method) -> None:
    """All bits of all 11,959 cells."""
    paths = sorted(unpack(real_data, tmp_path / "cells").rglob("*.jpg"))
    assert len(paths) == 11_959
    hashes = list(hash_many([str(path) for path in paths], method))
    assert list(unequal(paths, hashes, method)) == []
