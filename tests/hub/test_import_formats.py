"""What lies on disk, as rows of path and label."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bccurate.errors import InputError
from bccurate.hub.import_formats import Listing, discover


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch) -> Path:
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("BCCURATE_HOME", str(folder))
    return folder


def _put(folder: Path, *names: str) -> None:
    """One small PNG for each name."""
    for number, name in enumerate(names):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number, 0, 0)).save(file, format="PNG")


def _rows(listing: Listing, root: Path) -> list[tuple[str, str | None, str | None]]:
    return [(os.path.relpath(r.filepath, root), r.label, r.split) for r in listing.rows]


def _csv(folder: Path, text: str | bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "labels.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_a_folder_is_a_label(tmp_path: Path) -> None:
    """Sorted, any depth, hidden and other files left out; at the top there is no label."""
    _put(tmp_path, "b/1.PNG", "a/2.jpeg", "a/1.png", "a/deep/3.tif", "0.png", "a/.hidden.png")
    (tmp_path / "a/notes.txt").write_text("no image")
    assert _rows(discover(tmp_path, "d"), tmp_path) == [
        ("0.png", None, None),
        ("a/1.png", "a", None),
        ("a/2.jpeg", "a", None),
        ("a/deep/3.tif", "deep", None),
        ("b/1.PNG", "b", None),
    ]


def test_split_folders_are_splits_and_no_labels(tmp_path: Path) -> None:
    """train/a is class a in train; Validation is val; an image right in test/ has no label."""
    _put(tmp_path, "train/a/1.png", "Validation/a/2.png", "test/3.png", "b/test/4.png")
    assert set(_rows(discover(tmp_path, "d"), tmp_path)) == {
        ("train/a/1.png", "a", "train"),
        ("Validation/a/2.png", "a", "val"),
        ("test/3.png", None, "test"),
        ("b/test/4.png", None, "test"),
    }


def test_a_single_split_folder_still_says_its_split(tmp_path: Path) -> None:
    """Where train/ is all there is, it is not taken for an archive's top folder."""
    _put(tmp_path, "train/a/1.png", "train/b/2.png")
    assert {row[1:] for row in _rows(discover(tmp_path, "d"), tmp_path)} == {
        ("a", "train"),
        ("b", "train"),
    }


def test_a_folder_images_is_the_root(tmp_path: Path) -> None:
    """What lies beside it (masks) is none of ours."""
    _put(tmp_path, "images/a/1.png", "masks/a/1.png")
    assert _rows(discover(tmp_path, "d"), tmp_path) == [("images/a/1.png", "a", None)]


def test_linked_folders_are_followed_and_circles_are_not(tmp_path: Path) -> None:
    """A set put together from links is a set; a link to a folder above it adds nothing."""
    _put(tmp_path / "store", "x/1.png")
    _put(tmp_path / "cells", "b/2.png")
    (tmp_path / "cells" / "a").symlink_to(tmp_path / "store" / "x")
    (tmp_path / "cells" / "b" / "again").symlink_to(tmp_path / "cells")
    rows = _rows(discover(tmp_path / "cells", "d"), tmp_path / "cells")
    assert rows == [("a/1.png", "a", None), ("b/2.png", "b", None)]


@pytest.mark.parametrize("kind", ["tar", "gztar", "bztar", "xztar", "zip"])
@pytest.mark.parametrize("top", [".", "cells", "cells/v1"])
def test_archives_are_as_their_folder(tmp_path: Path, home: Path, kind: str, top: str) -> None:
    """With one or more top folders or none; unpacked once, below the dataset's own folder."""
    _put(tmp_path / "in" / top, "a/1.png", "b/2.png")
    (tmp_path / "in" / "__MACOSX").mkdir()
    archive = shutil.make_archive(str(tmp_path / "cells"), kind, tmp_path / "in")
    first = discover(Path(archive), "d")
    assert [row.label for row in first.rows] == ["a", "b"]
    assert all(row.filepath.startswith(str(home / "datasets" / "d")) for row in first.rows)
    assert discover(Path(archive), "d") == first


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_an_archive_of_a_csv_or_an_npz_is_as_what_is_in_it(tmp_path: Path, kind: str) -> None:
    """The labels come from the table, and from the arrays."""
    _csv(tmp_path / "csv" / "top", "path,label\nimg/1.png,a\nimg/2.png,b\n")
    _put(tmp_path / "csv" / "top", "img/1.png", "img/2.png")
    (tmp_path / "npz").mkdir()
    arrays = {"images": np.zeros((2, 8, 8, 3), np.uint8), "labels": np.array(["a", "b"])}
    np.savez(tmp_path / "npz" / "cells.npz", **arrays)
    for name in ("csv", "npz"):
        archive = shutil.make_archive(str(tmp_path / f"{name}-packed"), kind, tmp_path / name)
        listing = discover(Path(archive), "d")
        assert (listing.format, [r.label for r in listing.rows]) == (name, ["a", "b"])
        assert all(Path(r.filepath).exists() for r in listing.rows)


@pytest.mark.parametrize(
    "text",
    [
        "filepath,label\n1.png,a\nsub/2.png,b\n",
        "\ufefflabel,filename\r\na,1.png\r\nb,sub/2.png\r\n",
        ' Path , "CLASS" ,other\n1.png,a,x\nsub/../sub/2.png,b\n\n,\n',
        "image,target\n./1.png, a \n{root}/sub/2.png,b,too,many\n",
        '"file","ground_truth"\n"1.png","a"\n"sub/2.png","b"',
    ],
)
def test_tables_of_many_hands_give_the_same_rows(tmp_path: Path, text: str) -> None:
    """Column names, BOM, quotes, spaces, relative and absolute paths, blank and odd lines."""
    file = _csv(tmp_path, text.format(root=tmp_path))
    assert _rows(discover(file, "d"), tmp_path) == [("1.png", "a", None), ("sub/2.png", "b", None)]


def test_a_folder_with_one_table_of_labels_is_read_by_it(tmp_path: Path) -> None:
    """Other tables are passed over; with two of labels the folders decide."""
    _put(tmp_path, "x/1.png")
    _csv(tmp_path, "filepath,label,split\nx/1.png,a,Test\n")
    (tmp_path / "counts.csv").write_text("class,n\na,1\n")
    assert _rows(discover(tmp_path, "d"), tmp_path) == [("x/1.png", "a", "test")]
    (tmp_path / "more.csv").write_text("filepath,label\nx/1.png,b\n")
    assert _rows(discover(tmp_path, "d"), tmp_path) == [("x/1.png", "x", None)]


def test_two_labels_for_one_path_are_a_conflict_and_the_first_counts(tmp_path: Path) -> None:
    """However the path is written; a blank label is no label and no conflict."""
    file = _csv(tmp_path, "path,label\n1.png,a\n./1.png,b\n1.png,a\n2.png,\n2.png,c\n3.png,\n")
    listing = discover(file, "d")
    assert _rows(listing, tmp_path) == [
        ("1.png", "a", None),
        ("2.png", "c", None),
        ("3.png", None, None),
    ]
    assert listing.conflicts == [{"filepath": str(tmp_path / "1.png"), "labels": ["a", "b"]}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column"),
        ("name,label\n1.png,a\n", "no column filepath or path .*it has name, label"),
        ("path,kind\n1.png,a\n", "no column label"),
        ("path;label\n1.png;a\n", "no column"),
        ("path,label\n", "No images"),
        ("path,label\n" + "x" * 200_000 + ",a\n", "line 2"),
        ("path,label\ncaf\xe9.png,a\n".encode("latin-1"), "not UTF-8"),
        (b"PK\x03\x04\x00\x00\xff\xfe", "not UTF-8"),
    ],
)
def test_a_table_that_cannot_be_read_is_told_by_name(tmp_path: Path, text, message: str) -> None:
    """What is missing, in which file, and what to look at."""
    file = _csv(tmp_path, text)
    with pytest.raises(InputError, match=message) as raised:
        discover(file, "d")
    assert str(file) in raised.value.message and raised.value.hint


def test_names_that_are_not_text_are_told_and_lose_no_other(tmp_path: Path) -> None:
    """A Latin-1 file name from an old disk cannot go into the database; its neighbours do."""
    _put(tmp_path, "a/1.png")
    shutil.copy(tmp_path / "a/1.png", os.fsencode(tmp_path) + b"/a/caf\xe9.png")
    listing = discover(tmp_path, "d")
    assert [row.label for row in listing.rows] == ["a"]
    (bad,) = listing.unreadable
    assert bad["filepath"].endswith("a/caf\\xe9.png") and "UTF-8" in bad["reason"]


@pytest.mark.parametrize("kind", ["auto", "csv", "npz", "coco", "imagefolder"])
@pytest.mark.parametrize(
    "what", ["missing", "n" * 300, "a\0b", "empty", "text.txt", "t.csv", "t.npz", "t.tar", "t.zip"]
)
def test_nothing_usable_is_an_input_error_in_every_format(tmp_path, what: str, kind: str) -> None:
    """Missing, empty, of another kind, or not what its name says: told with the path."""
    (tmp_path / "empty").mkdir()
    for name in ("text.txt", "t.csv", "t.npz", "t.tar", "t.zip"):
        (tmp_path / name).write_text("hello")
    with pytest.raises(InputError) as raised:
        discover(tmp_path / what, "d", kind)
    assert str(tmp_path / what) in raised.value.message
