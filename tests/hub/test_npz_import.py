"""Images in npz archives, and npz archives that are out for harm."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bccurate.errors import InputError
from bccurate.hub.npz_import import BLOODMNIST, write_npz_images

RGB = np.random.default_rng(0).integers(0, 256, (3, 8, 9, 3), dtype=np.uint8)


def _npz(folder: Path, name: str = "cells.npz", **arrays: np.ndarray) -> Path:
    np.savez_compressed(folder / name, **arrays)
    return folder / name


def _written(npz: Path) -> list[tuple[np.ndarray, str | None, str | None]]:
    rows = list(write_npz_images(npz, npz.parent / "out"))
    return [(np.asarray(Image.open(row.filepath)), row.label, row.split) for row in rows]


def _labels(npz: Path) -> list[str | None]:
    return [label for _, label, _ in _written(npz)]


def test_images_and_labels_become_files_with_the_same_pixels(tmp_path: Path) -> None:
    """PNG is lossless: what comes out is what was in."""
    rows = _written(_npz(tmp_path, images=RGB, labels=np.array(["a", " b ", ""])))
    assert all(np.array_equal(pixels, RGB[i]) for i, (pixels, _, _) in enumerate(rows))
    assert [row[1:] for row in rows] == [("a", None), ("b", None), (None, None)]


def test_medmnist_s_layout_gives_splits_and_bloodmnist_its_names(tmp_path: Path) -> None:
    """(N, 1) numbers; bloodmnist_64.npz is of the eight cells, another file keeps its numbers."""
    arrays = {}
    for split, value in (("train", 0), ("val", 6), ("test", 9)):
        arrays[f"{split}_images"] = RGB[:1]
        arrays[f"{split}_labels"] = np.array([[value]], dtype=np.uint8)
    rows = _written(_npz(tmp_path, "bloodmnist_64.npz", **arrays))
    assert [row[1:] for row in rows] == [
        ("basophil", "train"),
        ("neutrophil", "val"),
        ("9", "test"),
    ]
    assert _labels(_npz(tmp_path, "pathmnist.npz", **arrays)) == ["0", "6", "9"]
    assert len(BLOODMNIST) == 8
    own = _npz(tmp_path, "bloodmnist_own.npz", images=RGB, labels=np.array(["x", "y", "z"]))
    assert _labels(own) == ["x", "y", "z"]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.eye(3), ["0", "1", "2"]),
        (np.array([[1], [0], [1]]), ["1", "0", "1"]),
        (np.array([b"a", b"b", "é".encode()]), ["a", "b", "é"]),
        (np.array([2, 0, 1], dtype=">i8"), ["2", "0", "1"]),
    ],
)
def test_labels_of_every_kind(tmp_path: Path, labels, expected) -> None:
    """One-hot, columns, bytes, big-endian numbers."""
    assert _labels(_npz(tmp_path, images=RGB, labels=labels)) == expected


@pytest.mark.parametrize(
    "images",
    [RGB / 255.0, (RGB / 255).astype(np.float32), RGB.astype(np.int64), np.asfortranarray(RGB)],
)
def test_pixels_of_every_kind(tmp_path: Path, images) -> None:
    """0.0 to 1.0 and 0 to 255 of any type come out as the same bytes; no labels are none."""
    rows = _written(_npz(tmp_path, images=images))
    assert all(np.array_equal(pixels, RGB[i]) for i, (pixels, _, _) in enumerate(rows))
    assert [row[1] for row in rows] == [None] * 3


def test_grey_images_with_and_without_a_channel(tmp_path: Path) -> None:
    """(N, H, W) and (N, H, W, 1) are the same."""
    for images in (RGB[..., 0], RGB[..., :1]):
        assert np.array_equal(_written(_npz(tmp_path, "g.npz", data=images))[2][0], RGB[2, ..., 0])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": np.array([RGB[0], None], dtype=object)}, "Python objects"),
        ({"images": RGB, "labels": np.array(["a", 1, None], dtype=object)}, "Python objects"),
        ({"images": RGB[0, 0]}, "shape"),
        ({"images": RGB.transpose(0, 3, 1, 2)}, "shape"),
        ({"images": RGB[:, :0]}, "shape"),
        ({"images": np.zeros((2, 8, 8, 4))}, "shape"),
        ({"images": RGB.astype(np.uint16) * 257}, "type"),
        ({"images": RGB.astype(np.int16) - 1}, "type"),
        ({"images": np.full((1, 8, 8), np.nan)}, "type"),
        ({"images": np.array([[["x"]]])}, "type"),
        ({"images": RGB, "labels": np.arange(2)}, "for 3 images"),
        ({"images": RGB, "labels": np.zeros((3, 2, 2))}, "for 3 images"),
        ({"x": RGB, "y": np.arange(3)}, "holds x, y; needed: images and labels"),
        ({}, "holds nothing"),
    ],
)
def test_arrays_that_are_no_images_are_refused_by_name(tmp_path: Path, arrays, message) -> None:
    """The message names the file and what is needed; no file is written."""
    npz = tmp_path / "a.npz"
    np.savez(npz, **arrays)
    with pytest.raises(InputError, match=message) as raised:
        _written(npz)
    assert str(npz) in raised.value.message
    assert not (tmp_path / "out").exists()


def _raw(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


def _header(shape: str, descr: str = "'|u1'") -> bytes:
    head = io.BytesIO()
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    head.write(b"\x93NUMPY\x01\x00" + (len(text) + 1).to_bytes(2, "little") + text + b"\n")
    return head.getvalue()


@pytest.mark.parametrize(
    "member",
    [
        _header("(1000000, 1000, 1000)") + bytes(64),
        _header("(2, 4, 4)") + bytes(7),
        _header("(-2, 4, 4)") + bytes(64),
        _header("(2, 4") + bytes(64),
        _header("('a', 4, 4)") + bytes(64),
        _header("(2, 4, 4)", "'|O'") + b"cos\nsystem\n(S'false'\ntR.",
        _header("(1000000000000, 1, 1)", "'|S0'"),
        _header("(2, 4, 4)", "__import__('os')") + bytes(64),
        b"\x93NUMPY\x09\x00" + bytes(64),
        b"\x93NUM",
        b"",
        _header("(1, 8000, 10000)") + bytes(80_000_000),  # 80 kB packed
    ],
)
def test_headers_that_lie_are_refused_before_memory_is_taken(tmp_path: Path, member) -> None:
    """Sizes, shapes, types and code in a header: none is believed."""
    with pytest.raises(InputError, match=r"a\.npz"):
        _written(_raw(tmp_path / "a.npz", images=member))


def test_broken_archives_are_refused_wherever_they_break(tmp_path: Path) -> None:
    """Cut at any tenth, or any of 60 bytes turned over: an input error or the true pixels."""
    npz = _npz(tmp_path, images=RGB, labels=np.arange(3))
    whole = npz.read_bytes()
    rng = np.random.default_rng(0)
    broken = [whole[: len(whole) * tenth // 10] for tenth in range(10)]
    for place in rng.integers(len(whole), size=60).tolist():
        flipped = bytearray(whole)
        flipped[place] ^= 0xFF
        broken.append(bytes(flipped))
    for number, content in enumerate(broken):
        npz = tmp_path / f"{number}.npz"
        npz.write_bytes(content)
        try:
            rows = list(write_npz_images(npz, tmp_path / f"out{number}"))
        except InputError as error:
            assert str(npz) in error.message
        else:
            assert [np.array_equal(Image.open(r.filepath), RGB[i]) for i, r in enumerate(rows)]


def test_an_interrupted_call_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Files that are there are kept, the rest is written, nothing half done lies about."""
    npz = _npz(tmp_path, images=RGB)
    stream = write_npz_images(npz, tmp_path / "out")
    first = Path(next(iter(stream)).filepath)
    stream.close()  # type: ignore[attr-defined]
    before = first.stat().st_mtime_ns
    assert len(_written(npz)) == 3
    assert first.stat().st_mtime_ns == before
    assert {p.suffix for p in (tmp_path / "out").iterdir()} == {".png"}
