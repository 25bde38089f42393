"""Decode untrusted image files: what is readable, and with which pixels."""

from __future__ import annotations

import io
import os
import struct
import time
import zlib
from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageFile

from bccurate.errors import UnreadableImage
from bccurate.images.decode import MAX_PIXELS, decode_rgb
from bccurate.images.image_stats import ImageStats, Unreadable
from bccurate.images.workers import read_many


def _pixels(seed: int = 0, size: tuple[int, ...] = (40, 50, 3)) -> np.ndarray:
    """Smooth colours: a few waves, so that JPEG and hashes have something to hold on to."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]]
    waves = [np.sin(x / rng.uniform(3, 9) + y / rng.uniform(3, 9)) for _ in range(size[2])]
    return np.uint8(128 + 120 * np.stack(waves, axis=2))


def _stats(path: Path) -> ImageStats:
    (stats,) = read_many([str(path)])
    assert isinstance(stats, ImageStats), stats
    return stats


def _reason(path: Path | str) -> str:
    (stats,) = read_many([str(path)])
    assert isinstance(stats, Unreadable), stats
    assert stats.filepath == str(path)
    return stats.reason


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff", ".tif", ".webp"])
def test_lossless_formats_decode_to_the_saved_pixels(tmp_path: Path, suffix: str) -> None:
    """RGB in, the same RGB out, and nothing to note."""
    file = tmp_path / f"a{suffix}"
    Image.fromarray(_pixels()).save(file, lossless=True)
    stats = _stats(file)
    assert np.array_equal(decode_rgb(file), _pixels())
    assert (stats.width, stats.height, stats.note) == (50, 40, "")
    assert stats.size_bytes == file.stat().st_size


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG", ".gif", ".bmp", ".webp", ".tif"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_hash_and_intensity_equal_the_reference_libraries(tmp_path, suffix: str, mode: str) -> None:
    """phash equals imagehash on the file, mean and deviation equal numpy on Pillow's "L"."""
    file = tmp_path / f"a{suffix}"
    Image.fromarray(_pixels(3)).convert(mode).save(file)
    stats = _stats(file)
    with Image.open(file) as image:
        rgb = image.convert("RGB")
        grey = np.asarray(rgb.convert("L"), dtype=np.float64)
        assert stats.phash == str(imagehash.phash(rgb))
    assert stats.intensity_mean == pytest.approx(grey.mean(), abs=1e-9)
    assert stats.intensity_std == pytest.approx(grey.std(), abs=1e-9)
    assert stats.note == ""


def test_grey_images_become_three_equal_channels(tmp_path: Path) -> None:
    """8-bit L becomes R = G = B, bilevel 0 and 255."""
    Image.fromarray(_pixels()[..., 0]).save(tmp_path / "a.png")
    assert np.array_equal(decode_rgb(tmp_path / "a.png"), np.repeat(_pixels()[..., :1], 3, axis=2))
    Image.new("1", (9, 9), 1).save(tmp_path / "b.png")
    assert (decode_rgb(tmp_path / "b.png") == 255).all()


def test_transparency_is_composited_on_white(tmp_path: Path) -> None:
    """RGBA, LA and a palette's transparent colour: 255 - (255 - c) alpha / 255."""
    Image.new("RGBA", (9, 9), (100, 0, 255, 51)).save(tmp_path / "rgba.png")
    assert decode_rgb(tmp_path / "rgba.png")[0, 0].tolist() == [224, 204, 255]
    Image.new("LA", (9, 9), (0, 0)).save(tmp_path / "la.png")
    assert (decode_rgb(tmp_path / "la.png") == 255).all()
    palette = Image.new("P", (9, 9), 1)
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((0, 0), 0)
    palette.save(tmp_path / "p.png", transparency=0)
    assert decode_rgb(tmp_path / "p.png")[0, 0].tolist() == [255, 255, 255]
    assert decode_rgb(tmp_path / "p.png")[5, 5].tolist() == [40, 50, 60]


def test_cmyk_is_converted_and_noted(tmp_path: Path) -> None:
    """A print shop's JPEG is read as Pillow reads it."""
    Image.fromarray(_pixels()).convert("CMYK").save(tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        assert np.array_equal(decode_rgb(tmp_path / "a.jpg"), np.asarray(image.convert("RGB")))
    assert _stats(tmp_path / "a.jpg").note == "mode CMYK, converted to 8-bit RGB"


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bits_are_scaled_by_257(tmp_path: Path, suffix: str) -> None:
    """0, 257, 32768 and 65535 become 0, 1, 128 (127.502) and 255."""
    values = np.tile(np.array([0, 257, 32768, 65535], dtype=np.uint16), (8, 2))
    Image.fromarray(values).save(tmp_path / f"a{suffix}")
    assert decode_rgb(tmp_path / f"a{suffix}")[0, :4, 0].tolist() == [0, 1, 128, 255]
    assert "converted to 8-bit" in _stats(tmp_path / f"a{suffix}").note


def test_nan_and_infinite_pixels_are_unreadable(tmp_path: Path) -> None:
    """A float TIFF with a NaN is unreadable, one without is read."""
    values = np.full((9, 9), 7.0, dtype=np.float32)
    Image.fromarray(values).save(tmp_path / "a.tif")
    assert (decode_rgb(tmp_path / "a.tif") == 7).all()
    values[0, 0] = np.nan
    Image.fromarray(values).save(tmp_path / "b.tif")
    assert "NaN" in _reason(tmp_path / "b.tif")


def test_the_first_frame_of_an_animation_is_taken_and_noted(tmp_path: Path) -> None:
    """Red, then blue: the pixels are red."""
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue", "green")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert decode_rgb(tmp_path / "a.gif")[4, 4].tolist() == [255, 0, 0]
    assert _stats(tmp_path / "a.gif").note == "several frames, the first was taken"


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 5000), (5000, 1)])
def test_very_small_and_thin_images_are_read_with_a_note(tmp_path, size) -> None:
    """One pixel is an image; its hash is that of imagehash."""
    Image.new("RGB", size, (1, 2, 3)).save(tmp_path / "a.png")
    stats = _stats(tmp_path / "a.png")
    assert (stats.width, stats.height) == size
    assert stats.note == f"only {size[0]}x{size[1]} pixels"
    assert stats.phash == str(imagehash.phash(Image.new("RGB", size, (1, 2, 3))))
    assert stats.intensity_std == 0


def test_a_wrong_suffix_is_noted_and_the_image_kept(tmp_path: Path) -> None:
    """A GIF named .png, a PNG without a suffix: read by content."""
    Image.fromarray(_pixels()).save(tmp_path / "a.png", format="GIF")
    Image.fromarray(_pixels()).save(tmp_path / "b", format="PNG")
    assert _stats(tmp_path / "a.png").note == "named .png, is GIF"
    assert _stats(tmp_path / "b").note == "named without type, is PNG"


def test_equal_pixels_have_equal_pixelhashes_in_every_format(tmp_path: Path) -> None:
    """PNG and BMP of one image have equal pixels and different bytes; another shape differs."""
    flat = np.full((4, 8, 3), 9, dtype=np.uint8)
    for name, pixels in (("a.png", flat), ("a.bmp", flat), ("b.png", flat.reshape(8, 4, 3))):
        Image.fromarray(pixels).save(tmp_path / name)
    png, bmp, transposed = (_stats(tmp_path / name) for name in ("a.png", "a.bmp", "b.png"))
    assert png.pixelhash == bmp.pixelhash != transposed.pixelhash
    assert png.filehash != bmp.filehash


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF"])
def test_a_truncated_file_is_unreadable(tmp_path: Path, kind: str) -> None:
    """Pillow's verify() passes some of these; a full decode does not."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, format=kind)
    whole = buffer.getvalue()
    for tenth in range(1, 10):
        file = tmp_path / f"a{tenth}.png"
        file.write_bytes(whole[: len(whole) * tenth // 10])
        assert _reason(file)
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_bit_flips_never_crash_and_never_pass_in_a_png(tmp_path: Path) -> None:
    """200 files with one flipped bit: a result each, and no wrong PNG pixels are accepted."""
    buffer, jpeg = io.BytesIO(), io.BytesIO()
    Image.fromarray(_pixels()).save(buffer, format="PNG")
    Image.fromarray(_pixels()).save(jpeg, format="JPEG")
    rng = np.random.default_rng(1)
    for number in range(100):
        for whole in (buffer.getvalue(), jpeg.getvalue()):
            data = bytearray(whole)
            data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
            file = tmp_path / f"{number}.png"
            file.write_bytes(data)
            (stats,) = read_many([str(file)])
            if isinstance(stats, ImageStats) and stats.format == "PNG":
                assert np.array_equal(decode_rgb(file), _pixels())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"just words", "text"),
        (b"<!DOCTYPE html><p>404", "HTML"),
        (b'<?xml version="1.0"?><svg/>', "SVG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (bytes(range(256)), "unknown bytes"),
        (b"\x89PNG\r\n\x1a\n", "decode|not an image"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "decode|not an image"),
    ],
)
def test_the_reason_names_what_a_file_that_is_no_image_contains(
    tmp_path: Path, content, reason: str
) -> None:
    """The reason says what the file looks like."""
    (tmp_path / "a.png").write_bytes(content)
    assert any(word in _reason(tmp_path / "a.png") for word in reason.split("|"))


def test_a_folder_a_missing_file_a_nul_and_a_pipe_are_unreadable(tmp_path: Path) -> None:
    """Nothing blocks and nothing raises."""
    os.mkfifo(tmp_path / "pipe.png")
    assert "irectory" in _reason(tmp_path)
    assert "No such file" in _reason(tmp_path / "none.png")
    assert "null" in _reason(f"{tmp_path}/a\0b.png")
    assert _reason(tmp_path / "pipe.png") == "empty file"
    assert "too long" in _reason(tmp_path / ("n" * 300))
    with pytest.raises(UnreadableImage, match="No such file"):
        decode_rgb(tmp_path / "none.png")


def _png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body
    return head + struct.pack(">I", zlib.crc32(body)) + b"\0\0\0\x10IDAT" + bytes(20)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [8001, 13_000, 100_000, 2**31 - 1])
def test_a_header_with_too_many_pixels_is_refused_before_decoding(tmp_path: Path, side) -> None:
    """61 bytes do not make this process take gigabytes."""
    assert MAX_PIXELS < 8001**2
    (tmp_path / "a.png").write_bytes(_png_header(side, side))
    began = time.perf_counter()
    assert "pixels" in _reason(tmp_path / "a.png")
    assert time.perf_counter() - began < 0.5
