"""Samples as one npz: pixels, labels, splits and tags."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from exported_rows import PLAIN, png, rows_of
from PIL import Image

from bccurate.errors import InputError, UsageError
from bccurate.files import sha256_of_file
from bccurate.hub.import_formats import discover
from bccurate.hub.manifest import Row
from bccurate.hub.npz_export import write_npz


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv("BCCURATE_HOME", str(tmp_path_factory.mktemp("home")))


def test_an_npz_holds_pixels_labels_splits_and_tags(tmp_path: Path) -> None:
    """MedMNIST's arrays with names and checksums; in again it is the same samples."""
    wanted = rows_of(tmp_path / "in", *PLAIN, ("6.png", None, None, ("y", "train", "val")))
    out = tmp_path / "cells.npz"
    assert write_npz(wanted, out).written == 6
    with np.load(out, allow_pickle=False) as arrays:
        assert arrays["train_images"].shape == (2, 8, 8, 3)
        assert arrays["train_labels"].tolist() == [[0], [1]]
        assert arrays["labels"].tolist() == [[0], [-1]]
        assert arrays["classes"].tolist() == ["a", "b"]
        assert arrays["test_sha256"].tolist() == [sha256_of_file(Path(wanted[3].filepath))]
    rows = discover(out, "d").rows
    told = Counter((r.label, r.split, r.tags, _pixels(r)) for r in rows)
    assert told == Counter((r.label, r.split, r.tags, _pixels(r)) for r in wanted)


def _pixels(row: Row) -> bytes:
    return np.asarray(Image.open(row.filepath).convert("RGB")).tobytes()


def test_the_same_samples_give_the_same_bytes(tmp_path: Path) -> None:
    """Byte for byte; another one in its place is refused and stays."""
    rows = rows_of(tmp_path / "in", *PLAIN)
    write_npz(rows, tmp_path / "1.npz")
    write_npz(rows, tmp_path / "2.npz")
    first = (tmp_path / "1.npz").read_bytes()
    assert first == (tmp_path / "2.npz").read_bytes()
    assert write_npz(rows, tmp_path / "1.npz").changed is False
    with pytest.raises(UsageError, match="something else"):
        write_npz(rows[1:], tmp_path / "1.npz")
    assert (tmp_path / "1.npz").read_bytes() == first
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1.npz", "2.npz", "in"]


def test_images_of_several_sizes_need_a_size(tmp_path: Path) -> None:
    """The message gives the option to type, and it works."""
    rows = rows_of(tmp_path / "in", *PLAIN[:2])
    Path(rows[1].filepath).write_bytes(png(1, 12))
    with pytest.raises(InputError, match="8x8 and 12x12") as raised:
        write_npz(rows, tmp_path / "cells.npz")
    assert raised.value.hint == "--size 8"
    write_npz(rows, tmp_path / "cells.npz", 8)
    with np.load(tmp_path / "cells.npz") as arrays:
        assert arrays["train_images"].shape == (2, 8, 8, 3)
