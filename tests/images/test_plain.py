"""The quick road gives exactly what Pillow gives, or leaves the file to Pillow."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bccurate import native
from bccurate.images.decode import decode_rgb, read_image_stats
from bccurate.images.hashing import _measure_in_numpy, hash_files, hash_pixels, measure
from bccurate.images.image_stats import METHODS, ImageStats, Unreadable, hash_of
from bccurate.images.plain import pack_batch, read_batch
from bccurate.native import image_kernels as images
from bccurate.native import library
from bccurate.rendering.cells import CLASSES, render_cell

needs_kernels = pytest.mark.skipif(library is None, reason="built without a compiler")
RNG = np.random.default_rng(7)
CELL = Image.fromarray(render_cell(CLASSES[2], np.random.default_rng(1))[0])
NOISE = Image.fromarray(RNG.integers(0, 256, (61, 97, 3), dtype=np.uint8))
SIZES = [(96, 96), (8, 8), (97, 61), (33, 130), (300, 16)]


def _encoded(image: Image.Image, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, **options)
    return file.getvalue()


def _plain_files() -> dict[str, bytes]:
    files = {}
    for picture, name in ((CELL, "cell"), (NOISE, "noise")):
        for size in SIZES:
            image = picture.resize(size)
            stem = f"{name}_{size[0]}x{size[1]}"
            for quality in (5, 50, 95, 100):
                for subsampling in (0, 1, 2):
                    files[f"{stem}_{quality}_{subsampling}.jpg"] = _encoded(
                        image, format="JPEG", quality=quality, subsampling=subsampling
                    )
                files[f"{stem}_{quality}_grey.jpg"] = _encoded(
                    image.convert("L"), format="JPEG", quality=quality, optimize=True
                )
            for level in (0, 1, 9):
                files[f"{stem}_{level}.png"] = _encoded(image, format="PNG", compress_level=level)
                files[f"{stem}_{level}_grey.png"] = _encoded(
                    image.convert("L"), format="PNG", compress_level=level
                )
    files["flat.png"] = _encoded(Image.new("RGB", (70, 50), (9, 8, 7)), format="PNG")
    return files


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("plain")
    for name, data in _plain_files().items():
        (folder / name).write_bytes(data)
    return sorted(map(str, folder.iterdir()))


def _read_quickly(paths: list[str]) -> Iterator[tuple[images.Row, bytes]]:
    """Each file's facts, and its RGB pixels where the quick road gives them."""
    for rows, _, pixels in images.read_files(paths):
        for row in rows:
            yield row, bytes(pixels[row.pixels_at : row.pixels_at + row.pixels_size])


@needs_kernels
def test_every_plain_file_is_decoded_to_pillow_s_pixels(plain) -> None:
    """JPEG of any quality and subsampling, PNG of any filter: equal in every byte."""
    for path, (row, found) in zip(plain, _read_quickly(plain), strict=True):
        assert row.status == ("33x130" not in path), path  # see hashes.c
        if row.status:
            expected = np.asarray(Image.open(path).convert("RGB"))
            shape = (row.height, row.width, 3)
            assert (np.frombuffer(found, dtype=np.uint8).reshape(shape) == expected).all(), path


def _filtered(pixels: np.ndarray, filters: np.ndarray, strategy: int) -> bytes:
    """A PNG of H x W or H x W x 3 pixels whose row y was filtered by filters[y]."""
    height, width, channels = (*pixels.shape, 1)[:3]
    padded = np.zeros((height + 1, width + 1, channels), dtype=np.int32)
    padded[1:, 1:] = pixels.reshape(height, width, channels)
    here, left, up, corner = padded[1:, 1:], padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    near = np.abs(np.stack([left, up, corner]) - (left + up - corner))
    paeth = np.take_along_axis(np.stack([left, up, corner]), near.argmin(0)[None], 0)[0]
    guesses = np.stack([0 * here, left, up, (left + up) // 2, paeth])
    rows = (here - guesses[filters, np.arange(height)]).reshape(height, -1) & 255
    raw = np.hstack([filters[:, None], rows]).astype(np.uint8).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0, 0, 0, 0)
    packer = zlib.compressobj(strategy=strategy)
    data = packer.compress(raw) + packer.flush()
    chunks = [(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


@needs_kernels
def test_rows_of_any_filter_above_any_other_are_undone(tmp_path: Path) -> None:
    """Four rows at a time or one: 120 PNGs of random filters, RGB and grey, of every remainder,
    packed with short codes, long ones, RFC 1951's fixed ones or matches alone."""
    strategies = [zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED]
    paths = []
    for number in range(120):
        shape = tuple(RNG.integers((24, 40), (40, 70))) + ((3,) if number % 3 else ())
        shown = np.clip(RNG.normal(128, (1, 60)[number % 2], shape), 0, 255).astype(np.uint8)
        if number % 7 == 0:
            shown = np.clip(RNG.geometric(0.4, shape), 0, 255).astype(np.uint8)
        kinds = RNG.choice(([0, 1, 2, 3, 4], [3, 4], [4], [0, 2])[number % 4], shape[0])
        paths.append(str(tmp_path / f"{number:03d}.png"))
        Path(paths[-1]).write_bytes(_filtered(shown, kinds, strategies[number // 4 % 4]))
        assert (np.asarray(Image.open(paths[-1])) == shown).all(), "the test's own filters"
    for path, (row, found) in zip(paths, _read_quickly(paths), strict=True):
        assert row.status and found == decode_rgb(path).tobytes(), path


def test_both_roads_tell_the_same_facts(plain) -> None:
    """All of them, hashes and sums included."""
    assert read_batch(plain) == [read_image_stats(path) for path in plain]


def test_kernel_and_numpy_measure_the_same() -> None:
    """Any shape, tiny and lopsided ones too, with every hash and sum."""
    for shape in [(96, 96), (1, 1), (3, 200), (31, 57), (500, 333), (2, 2), (1030, 40)]:
        rgb = RNG.integers(0, 256, (*shape, 3), dtype=np.uint8)
        one, two = measure(rgb), _measure_in_numpy(Image.fromarray(rgb).convert("L"), images.ALL)
        for name in ("known", "grey_sum", "grey_squares", "edge_sum", "edge_squares"):
            assert getattr(one, name) == getattr(two, name), (shape, name)
        for method in METHODS:
            assert hash_of(one, method) == hash_of(two, method), (shape, method)
        assert bytes(one.thumb) == bytes(two.thumb)


@needs_kernels
def test_a_damaged_file_is_left_to_pillow_or_decoded_as_pillow_does(tmp_path: Path) -> None:
    """1,200 files with bytes turned over or cut off: no other pixels, and no crash."""
    sources = [data for name, data in _plain_files().items() if "_8x8" not in name][::9]
    paths = []
    for number in range(1200):
        data = bytearray(sources[number % len(sources)])
        for _ in range(int(RNG.integers(1, 6))):
            data[int(RNG.integers(len(data)))] = int(RNG.integers(256))
        if number % 5 == 0:
            del data[int(RNG.integers(len(data))) :]
        paths.append(str(tmp_path / f"{number:04d}"))
        Path(paths[-1]).write_bytes(data)
    quick = 0
    for path, (row, found) in zip(paths, _read_quickly(paths), strict=True):
        if row.status:
            quick += 1
            assert found == decode_rgb(path).tobytes(), path
    assert len(paths) == 1200 and quick > 50


def test_other_files_take_pillow_s_road_in_order(tmp_path: Path) -> None:
    """Progressive, palette, transparent, 16-bit, interlaced, broken: told as Pillow tells them."""
    wave = CELL.resize((40, 40))
    deep = Image.fromarray(np.asarray(wave.convert("L")).astype(np.uint16) * 257)
    files = {
        "progressive.jpg": _encoded(wave, format="JPEG", progressive=True),
        "cmyk.jpg": _encoded(wave.convert("CMYK"), format="JPEG"),
        "palette.png": _encoded(wave.convert("P"), format="PNG"),
        "rgba.png": _encoded(wave.convert("RGBA"), format="PNG"),
        "deep.png": _encoded(deep, format="PNG"),
        "tiny.png": _encoded(wave.resize((5, 5)), format="PNG"),
        "plain.png": _encoded(wave, format="PNG"),
        "cut.jpg": _encoded(wave, format="JPEG")[:-40],
        "page.jpg": b"<html>not found</html>",
        "empty.png": b"",
        "lie.jpg": _encoded(wave, format="PNG"),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    paths = [str(tmp_path / name) for name in files] + [str(tmp_path / "gone.png")]
    facts = read_batch(paths)
    assert facts == [read_image_stats(path) for path in paths]
    kinds = [type(f) for f in facts]
    assert kinds == [ImageStats] * 7 + [Unreadable] * 3 + [ImageStats, Unreadable]
    assert isinstance(facts[10], ImageStats) and facts[10].note == "named .jpg, is PNG"
    _, slow = pack_batch(paths)
    assert library is None or set(slow) == set(range(12)) - {6, 10}


def test_a_pipe_a_folder_and_a_name_with_a_nul_are_no_images(tmp_path: Path) -> None:
    """Nothing waits for a writer, and a NUL does not cut the name short."""
    (tmp_path / "a.png").write_bytes(_encoded(CELL, format="PNG"))
    os.mkfifo(tmp_path / "pipe.png")
    paths = [str(tmp_path / "pipe.png"), str(tmp_path), str(tmp_path / "a.png") + "\0.png"]
    assert all(isinstance(facts, Unreadable) for facts in read_batch(paths))


def test_pictures_larger_than_an_arena_are_read_all_the_same(tmp_path: Path) -> None:
    """Many that fill it together, and one that it cannot hold."""
    for number in range(4):
        CELL.resize((900, 900 + number)).save(tmp_path / f"{number}.jpg")
    CELL.resize((1500, 1400)).save(tmp_path / "large.jpg")
    paths = sorted(map(str, tmp_path.iterdir()))
    expected = [read_image_stats(path) for path in paths]
    assert read_batch(paths) == expected


@pytest.mark.parametrize("threads", [1, 3])
def test_files_are_hashed_in_order_and_unreadable_ones_are_none(plain, tmp_path, threads) -> None:
    """As the hash of their pixels, whatever the method and the number of threads."""
    (tmp_path / "bad.png").write_bytes(b"no")
    paths = [*plain[::7], str(tmp_path / "bad.png"), *plain[:150:11]]
    for method in ("phash", "dhash", "ahash", "whash"):
        expected = [
            None if "bad" in path else hash_pixels(decode_rgb(path), method) for path in paths
        ]
        assert hash_files(paths, method, threads) == expected


@needs_kernels
def test_the_library_of_older_processors_gives_the_same(plain, monkeypatch) -> None:
    """It has the same source, but not the same instructions."""
    older = native._open("_kernels")
    assert older is not None
    quick = pack_batch(plain)
    older.bc_read_files.argtypes = images._read_files.argtypes
    older.bc_read_files.restype = images._read_files.restype
    monkeypatch.setattr(images, "_read_files", older.bc_read_files)
    assert pack_batch(plain) == quick


def test_without_kernels_all_is_the_same(plain, monkeypatch) -> None:
    """The numpy form is not a lesser one."""
    some = plain[::13]
    with_kernels = read_batch(some)
    monkeypatch.setattr(images, "_read_files", None)
    monkeypatch.setattr(images, "_measure", None)
    without = read_batch(some)
    assert [replace(f, note="") for f in without] == [replace(f, note="") for f in with_kernels]
