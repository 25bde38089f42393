"""Small files that would expand to more than the memory are refused before memory is used.

Each is opened in a process of its own, whose peak memory nothing else has raised.
"""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

SECONDS, MIB = 1.0, 200
IMAGES = b"images.npy"
OPEN = {
    "image": "from bccurate.images.worker_tasks import _measure\n"
    "def open_it(paths): return _measure(paths, None)",
    "npz": "from bccurate.hub.npz_import import write_npz_images\n"
    "def open_it(paths): return list(write_npz_images(Path(paths[0]), Path('out')))",
    "archive": "from bccurate.archives import unpack\n"
    "def open_it(paths): return unpack(Path(paths[0]), Path('out'))",
    "weights": "from bccurate.learning.imagenet_weights import as_safetensors\n"
    "def open_it(paths): return as_safetensors(Path(paths[0]))",
}
MEASURE = """
import json, resource, sys, time
from pathlib import Path
import numpy, PIL.Image
from bccurate.errors import InputError
{open}
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
if {warm}: open_it([__file__])
before, began = peak(), time.process_time()
try:
    said = str(open_it([sys.argv[1]]))
except InputError as error:
    said = "refused: " + error.message
print(json.dumps([said, time.process_time() - began, peak() - before]))
"""


def _opened(bomb: Path, kind: str, folder: Path) -> tuple[str, float, int]:
    """Return the answer, seconds of processor time, and the growth of memory in MiB."""
    script = folder / "measure.py"
    script.write_text(MEASURE.format(open=OPEN[kind], warm=kind == "image"))
    paths = {"PYTHONPATH": os.pathsep.join(sys.path), "BCCURATE_HOME": str(folder / "home")}
    done = subprocess.run(
        [sys.executable, script, bomb],
        capture_output=True, text=True, cwd=folder, timeout=300, env={**os.environ, **paths},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return tuple(json.loads(done.stdout))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _deflated(start: bytes, zeros: int) -> bytes:
    """Return ``start`` and MiB of zeros as a raw DEFLATE stream, made of one repeated block."""
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = pack.compress(start) + pack.flush(zlib.Z_FULL_FLUSH)
    block = pack.compress(bytes(1 << 20)) + pack.flush(zlib.Z_FULL_FLUSH)
    return head + block * zeros + pack.flush()


def _crc(start: bytes, zeros: int) -> int:
    crc, block = zlib.crc32(start), bytes(1 << 20)
    for _ in range(zeros):
        crc = zlib.crc32(block, crc)
    return crc


def _zlib(zeros: int) -> bytes:
    return b"\x78\xda" + _deflated(b"", zeros) + struct.pack(">I", (zeros << 20) % 65521 << 16 | 1)


def _zip(path: Path, start: bytes, zeros: int, name: bytes, *others: tuple[bytes, bytes]) -> None:
    """Write a zip of one large member and some small ones."""
    with open(path, "wb") as file:
        entries = b""
        for each, data, n in [(name, start, zeros), *((o, data, 0) for o, data in others)]:
            packed = _deflated(data, n)
            about = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, _crc(data, n), len(packed),
                                len(data) + (n << 20), len(each), 0)  # fmt: skip
            entries += b"PK\x01\x02\x14\0" + about + struct.pack("<HHHII", 0, 0, 0, 0, file.tell())
            entries += each
            file.write(b"PK\x03\x04" + about + each + packed)
        n, start_at = 1 + len(others), file.tell()
        last = struct.pack("<HHHHIIH", 0, 0, n, n, len(entries), start_at, 0)
        file.write(entries + b"PK\x05\x06" + last)


def _png(path: Path) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    data = _zlib(60_001 * 60_000 >> 20)
    parts = (_chunk(b"IHDR", header), _chunk(b"IDAT", data), _chunk(b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def _png_text(path: Path) -> None:
    """A text of 1 GiB beside eight pixels."""
    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    text = _chunk(b"zTXt", b"k\0\0" + _zlib(1 << 10))
    data = _chunk(b"IDAT", zlib.compress(bytes(72)))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + text + data + _chunk(b"IEND", b"")
    )


def _gif(path: Path) -> None:
    """A million frames of one pixel."""
    frame = b"\x21\xf9\x04\0\0\0\0\0\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"
    path.write_bytes(b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff" + frame * 1_000_000 + b";")


def _npy_header(shape: str) -> bytes:
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text) + 1) + text + b"\n"


def _many(path: Path) -> None:
    """Write a zip whose directory lists one member a million times."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        packed.writestr("x", b"")
    whole = data.getvalue()
    start = whole.index(b"PK\x01\x02")
    entry = whole[start : whole.index(b"PK\x05\x06")]
    n = 1_000_000
    size = n * len(entry)
    end = start + size
    zip64 = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, n, n, size, start)
    locator = struct.pack("<IIQI", 0x07064B50, 0, end, 1)
    last = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0)
    path.write_bytes(whole[:start] + entry * n + zip64 + locator + last)


def _tar_name(path: Path, kind: bytes) -> None:
    """Write a tar with a member whose name takes 1 GiB."""
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, 1 << 30
    start = info.tobuf(tarfile.GNU_FORMAT)
    about = struct.pack("<II", _crc(start, 1 << 10), len(start) + (1 << 30))
    head = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    path.write_bytes(head + _deflated(start, 1 << 10) + about)


def _pth(path: Path) -> None:
    """Write a torch checkpoint whose storage is compressed."""
    pickled, version = (b"a/data.pkl", b"\x80\x02}q\x00."), (b"a/version", b"3\n")
    _zip(path, b"", 1 << 10, b"a/data/0", pickled, version)


BOMBS: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "60k x 60k.png": ("image", _png, "pixels"),
    "text of 1 GiB.png": ("image", _png_text, "does not decode"),
    "million frames.gif": ("image", _gif, "frames"),
    "1 GiB.npz": (
        "npz", lambda p: _zip(p, _npy_header("(1024, 1024, 1024)"), 1 << 10, IMAGES), "refused",
    ),
    "header of 1 GiB.npz": (
        "npz", lambda p: _zip(p, b"\x93NUMPY\x02\x00\0\0\0\x40", 1 << 10, IMAGES), "array header",
    ),
    "4e9 items.npz": ("npz", lambda p: _zip(p, _npy_header("(4000000000,)"), 0, IMAGES), "claims"),
    "million.npz": ("npz", _many, "more than"),
    "million.zip": ("archive", _many, "more than"),
    "long name.tar.gz": ("archive", lambda p: _tar_name(p, tarfile.GNUTYPE_LONGNAME), "header of"),
    "pax.tar.gz": ("archive", lambda p: _tar_name(p, tarfile.XHDTYPE), "header of"),
    "deflated.pth": ("weights", _pth, "expands to"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_that_would_expand_to_gigabytes_is_refused(tmp_path: Path, name: str) -> None:
    """It takes less than a second of processor time and 200 MiB, and nothing is written."""
    kind, make, word = BOMBS[name]
    bomb = tmp_path / name
    make(bomb)
    said, seconds, grown = _opened(bomb, kind, tmp_path)
    print(f"{name}: {bomb.stat().st_size:,} bytes, {seconds:.2f} s, {grown} MiB: {said[:120]}")
    assert word in said
    assert seconds < SECONDS
    assert grown < MIB
    assert not (tmp_path / "out").exists()
