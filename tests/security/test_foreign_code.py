"""Files that execute code when read carelessly are refused with a reason, and nothing is executed.

See also ``tests/hub/test_npz_import.py`` for npz headers, ``tests/learning/test_pretrained.py`` for
weights that do not fit, and ``tests/learning/test_registry.py`` for manifests.
"""

from __future__ import annotations

import json
import pickle  # noqa: TID251  # to make what must not be read
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from bccurate.errors import InputError
from bccurate.hub.import_formats import discover
from bccurate.learning.imagenet_weights import as_safetensors
from bccurate.learning.registry import find_model, list_models
from bccurate.learning.safetensors_io import read_tensors


class Canary:
    """Create a file named ``ran`` when unpickled."""

    def __reduce__(self) -> tuple:
        return Path.touch, (Path("ran"),)


@pytest.fixture(autouse=True)
def nothing_ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Fail where the canary was unpickled."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BCCURATE_HOME", str(tmp_path / "home"))
    yield
    assert not (tmp_path / "ran").exists()


def test_unpickling_the_canary_is_noticed(tmp_path: Path) -> None:
    """Without this the tests below would prove nothing."""
    pickle.loads(pickle.dumps(Canary()))  # noqa: S301
    assert (tmp_path / "ran").exists()
    (tmp_path / "ran").unlink()


def _npz(path: Path, protocol: int) -> None:
    """Write an npz with Python objects in ``images``; protocol 0 leaves out numpy's header."""
    np.savez(path, labels=np.arange(1))
    with zipfile.ZipFile(path, "a") as packed:
        text = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"
        start = b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text if protocol else b""
        packed.writestr("images.npy", start + pickle.dumps([Canary()], protocol))


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_an_npz_of_objects_is_refused(tmp_path: Path, protocol: int) -> None:
    """The error names the file."""
    _npz(tmp_path / "a.npz", protocol)
    with pytest.raises(InputError, match=r"a\.npz"):
        discover(tmp_path / "a.npz", "cells")


SAVED: dict[str, Callable[[Path], object]] = {
    "zip.pth": lambda p: torch.save({"w": torch.ones(2), "x": Canary()}, p),
    "old.pth": lambda p: torch.save(
        {"w": torch.ones(2), "x": Canary()}, p, _use_new_zipfile_serialization=False
    ),
    "plain.pkl": lambda p: p.write_bytes(pickle.dumps({"w": Canary()})),
    "zero.pkl": lambda p: p.write_bytes(pickle.dumps(Canary(), protocol=0)),
    "weights.bin": lambda p: p.write_bytes(pickle.dumps([Canary()] * 3)),
    "lie.pt": lambda p: p.write_bytes(b"PK\x03\x04" + pickle.dumps(Canary())),
    "named.safetensors": lambda p: p.write_bytes(pickle.dumps(Canary())),
}


@pytest.mark.parametrize("name", SAVED)
def test_weights_that_execute_code_are_refused(tmp_path: Path, name: str) -> None:
    """With any file name and any pickle protocol."""
    SAVED[name](tmp_path / name)
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        read_tensors(as_safetensors(tmp_path / name))


def _safetensors(header: bytes | dict, data: bytes = bytes(8), length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def _tensor(start: int, end: int, shape: list[int], dtype: str = "F32") -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


BROKEN = {
    "cut": b"\x08\0\0",
    "length of 2^63": _safetensors(b"{}", length=2**63),
    "longer than the file": _safetensors(b"{}", length=4096),
    "header of 200 MB": _safetensors(b"{}", length=200_000_000),
    "no JSON": _safetensors(b"{not json"),
    "no object": _safetensors(b"[1, 2]"),
    "deep": _safetensors(b"[" * 100_000),
    "not UTF-8": _safetensors(b'{"\xff\xfe": 1}'),
    "beyond the end": _safetensors({"w": _tensor(0, 1 << 40, [1 << 38])}),
    "backwards": _safetensors({"w": _tensor(8, 0, [2])}),
    "negative": _safetensors({"w": _tensor(-8, 0, [2])}),
    "overlap": _safetensors({"a": _tensor(0, 8, [2]), "b": _tensor(0, 8, [2])}),
    "hole": _safetensors({"a": _tensor(4, 8, [1])}),
    "too large a shape": _safetensors({"w": _tensor(0, 8, [1 << 40, 1 << 40])}),
    "unknown type": _safetensors({"w": _tensor(0, 8, [2], "PICKLE")}),
    "metadata of numbers": _safetensors({"__metadata__": {"bccurate": 3}, "w": _tensor(0, 8, [2])}),
    "our header no JSON": _safetensors(
        {"__metadata__": {"bccurate": "{"}, "w": _tensor(0, 8, [2])}
    ),
    "our header a list": _safetensors(
        {"__metadata__": {"bccurate": "[]"}, "w": _tensor(0, 8, [2])}
    ),
    "our header deep": _safetensors(
        {"__metadata__": {"bccurate": "[" * 100_000}, "w": _tensor(0, 8, [2])}
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_safetensors_file_with_a_broken_header_is_refused(tmp_path: Path, kind: str) -> None:
    """The error names the file."""
    (tmp_path / "w.safetensors").write_bytes(BROKEN[kind])
    with pytest.raises(InputError, match=r"w\.safetensors"):
        read_tensors(tmp_path / "w.safetensors")


@pytest.mark.parametrize("link", [False, True])
def test_a_manifest_that_points_outside_its_folder_is_refused(tmp_path: Path, link: bool) -> None:
    """By a name with dots or by a link; the module outside is not executed."""
    (tmp_path / "evil.py").write_text("from pathlib import Path\nPath('ran').touch()\n")
    zoo = tmp_path / "zoo"
    zoo.mkdir()
    if link:
        (zoo / "evil.py").symlink_to(tmp_path / "evil.py")
    row = {"name": "mine", "module": "evil" if link else "..evil", "input_size": 32,
           "mean": [0.5] * 3, "std": [0.5] * 3, "gradcam_layer": "0", "weights": None,
           "licence": "MIT", "paper": "none"}  # fmt: skip
    (zoo / "manifest.json").write_text(json.dumps({"models": [{"bccurate": row}]}))
    with pytest.raises(InputError, match="outside its zoo"):
        list_models(zoo)
        find_model("mine", zoo).build(2)
