"""JPEG files: the pixels are Pillow's, and Pillow decides what is readable."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bccurate.errors import UnreadableImage
from bccurate.images.decode import _decode_jpeg, decode
from bccurate.rendering.cells import CLASSES, render_cell

CELL = Image.fromarray(render_cell(CLASSES[2], np.random.default_rng(1))[0])
VARIANTS = {
    **{f"quality {q}, subsampling {s}": {"quality": q, "subsampling": s}
       for q in (5, 50, 95, 100) for s in (0, 1, 2, "4:1:1")},
    "progressive": {"progressive": True},
    "optimised": {"optimize": True},
    "restart markers": {"restart_marker_blocks": 3},
    "RGB inside": {"keep_rgb": True},
}  # fmt: skip


def _jpeg(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def _by_pillow(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        image.load()
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("size", [(96, 96), (97, 61), (8, 8), (3, 5), (1, 1)])
def test_pixels_equal_those_of_pillow(variant: str, size: tuple[int, int]) -> None:
    """Every quality, subsampling and coding, at odd sizes, in colour and in grey."""
    for image in (CELL.resize(size), CELL.resize(size).convert("L")):
        options = {} if image.mode == "L" else VARIANTS[variant]
        data = _jpeg(image, **options)
        assert _decode_jpeg(data) is not None
        assert np.array_equal(decode(data).pixels, _by_pillow(data))


def test_cmyk_is_decoded_by_pillow() -> None:
    """simplejpeg converts it differently."""
    data = _jpeg(CELL.convert("CMYK"))
    assert _decode_jpeg(data) is None
    assert np.array_equal(decode(data).pixels, _by_pillow(data))


def test_a_damaged_file_is_refused_or_has_the_pixels_of_pillow() -> None:
    """1,000 files with changed or missing bytes: readable exactly where Pillow reads them."""
    rng = np.random.default_rng(7)
    sources = [_jpeg(CELL, quality=q, progressive=p) for q in (50, 95) for p in (False, True)]
    readable = 0
    for number in range(1000):
        data = bytearray(sources[number % len(sources)])
        for _ in range(int(rng.integers(1, 4))):
            data[int(rng.integers(2, len(data)))] ^= 1 << int(rng.integers(8))
        if number % 5 == 0:
            del data[int(rng.integers(2, len(data))) :]
        try:
            expected = _by_pillow(bytes(data))
        except Exception:  # what Pillow raises is no promise of ours
            with pytest.raises(UnreadableImage):
                decode(bytes(data))
            continue
        readable += 1
        assert np.array_equal(decode(bytes(data)).pixels, expected), number
    assert 200 < readable < 900


def test_a_file_of_several_jpegs_is_read_as_its_first(tmp_path: Path) -> None:
    """The multi-picture format of phones (MPO) is no reason to refuse a photograph."""
    CELL.save(tmp_path / "a.mpo", "MPO", save_all=True, append_images=[CELL.rotate(90)])
    found = decode((tmp_path / "a.mpo").read_bytes())
    assert found.format == "JPEG" and found.pixels.shape == (96, 96, 3)


@pytest.mark.realdata
def test_real_cells_have_the_pixels_of_pillow(real_data: Path, tmp_path: Path) -> None:
    """Every twentieth of the 11,959 real cells."""
    from bccurate.archives import unpack

    files = sorted(unpack(real_data, tmp_path / "cells").rglob("*.jpg"))[::20]
    assert len(files) > 500
    for file in files:
        data = file.read_bytes()
        assert np.array_equal(_decode_jpeg(data), _by_pillow(data)), file
