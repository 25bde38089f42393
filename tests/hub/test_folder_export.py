"""Rows out as files and in again: nothing is lost, changed or written over."""

from __future__ import annotations

import io
import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bccurate.errors import InputError, UsageError
from bccurate.files import sha256_of_file
from bccurate.hub.folder_export import FOLDERS, folder_names, write_folder
from bccurate.hub.import_formats import SPLIT_NAMES, discover
from bccurate.hub.manifest import Row
from bccurate.hub.npz_export import write_npz

# All that a label or a tag of a database may hold; no surrogates, no NUL.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
LABELS = st.sampled_from(
    ["a", "A", "train", "images", "..", " a", "a/b", "ig,ly", "ß", "manifest", "=1", "'=1", "'a"]
)
NAMES = st.sampled_from(["1.png", "1.PNG", "sub/1.png", "sub/manifest.csv", "no suffix", ".h.png"])


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv("BCCURATE_HOME", str(tmp_path_factory.mktemp("home")))


def _png(number: int, size: int = 8) -> bytes:
    with io.BytesIO() as file:
        Image.new("RGB", (size, size), (number % 256, 7, 9)).save(file, format="PNG")
        return file.getvalue()


def _rows(folder: Path, *rows: tuple[str, str | None, str | None, tuple[str, ...]]) -> list[Row]:
    made = []
    for number, (name, label, split, tags) in enumerate(rows):
        file = folder / str(number) / name
        file.parent.mkdir(parents=True)
        file.write_bytes(_png(number))
        made.append(Row(str(file), label, split, tags))
    return made


def _told(rows: list[Row]) -> Counter:
    """What must be the same: content, label, split and tags, each as often."""
    return Counter(
        (sha256_of_file(Path(r.filepath)), r.label, r.split, tuple(sorted(r.tags))) for r in rows
    )


EXPORTED = st.lists(
    st.tuples(
        NAMES,
        st.none() | LABELS | TEXT,
        st.sampled_from([None, "train", "val", "test"]),
        st.lists(TEXT, max_size=2, unique=True).map(tuple),
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize("kind", FOLDERS)
@pytest.mark.parametrize("n", [40, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_folder_out_and_in_again_is_the_same_samples(tmp_path_factory, kind, n) -> None:
    """Bytes, labels of any letters, splits and tags, whatever the files are called."""

    @settings(max_examples=n, deadline=None)
    @given(rows=EXPORTED)
    def check(rows: list) -> None:
        folder = tmp_path_factory.mktemp("x")
        wanted = _rows(folder / "in", *rows)
        out = folder / "out"
        assert write_folder(wanted, out, kind).written == len(rows)
        listing = discover(out, "d")
        assert (listing.format, listing.conflicts, listing.unreadable) == ("csv", [], [])
        assert _told(listing.rows) == _told(wanted)
        assert all(row.sha256 == sha256_of_file(Path(row.filepath)) for row in listing.rows)
        assert write_folder(wanted, out, kind).changed is False
        shutil.rmtree(folder)

    check()


PLAIN = [
    ("1.png", "a", "train", ()),
    ("2.png", "b", "train", ("x",)),
    ("3.png", "a", "val", ()),
    ("4.png", "b", "test", ()),
    ("5.png", "a", None, ()),
]


@pytest.mark.parametrize("kind", ["imagefolder", "coco"])
def test_without_the_manifest_the_format_itself_says_it(tmp_path: Path, kind: str) -> None:
    """Folders are classes and splits, COCO's categories are labels: other programs read it too."""
    wanted = _rows(tmp_path / "in", *PLAIN)
    write_folder(wanted, tmp_path / "out", kind)
    (tmp_path / "out" / "manifest.csv").unlink()
    listing = discover(tmp_path / "out", "d")
    assert listing.format == kind
    bare = wanted if kind == "coco" else [replace(row, tags=()) for row in wanted]
    assert _told(listing.rows) == _told(bare)


def test_coco_is_what_fiftyone_and_coco_tools_take(tmp_path: Path) -> None:
    """Ids from 1, the whole image for a box, one file more for each split."""
    write_folder(_rows(tmp_path / "in", *PLAIN), tmp_path / "out", "coco")
    data = json.loads((tmp_path / "out" / "labels.json").read_text())
    assert [row["name"] for row in data["categories"]] == ["a", "b"]
    assert data["annotations"][1] == {
        "id": 2, "image_id": 2, "category_id": 2, "bbox": [0, 0, 8, 8], "area": 64,
        "segmentation": [], "iscrowd": 0,
    }  # fmt: skip
    parts = {split: json.loads((tmp_path / "out" / f"labels_{split}.json").read_text())
             for split in ("train", "val", "test")}  # fmt: skip
    assert {split: len(part["images"]) for split, part in parts.items()} == {
        "train": 2, "val": 1, "test": 1
    }  # fmt: skip
    import fiftyone as fo

    read = fo.Dataset.from_dir(str(tmp_path / "out"), dataset_type=fo.types.COCODetectionDataset)
    try:
        labels = read.values("detections.detections.label")
        assert [own and own[0] for own in labels] == ["a", "b", "a", "b", "a"]
    finally:
        read.delete()


@pytest.mark.parametrize(
    ("place", "split"),
    [
        ("_annotations.coco.json", None),
        ("train/_annotations.coco.json", "train"),
        ("annotations/instances_val2017.json", "val"),
    ],
)
def test_coco_of_other_hands(tmp_path: Path, place: str, split: str | None) -> None:
    """Roboflow's and COCO's own layout; two classes on one image are a conflict, none is none."""
    images = {"annotations/instances_val2017.json": tmp_path / "val2017"}.get(
        place, (tmp_path / place).parent
    )
    images.mkdir(parents=True, exist_ok=True)
    for number in range(3):
        (images / f"{number}.png").write_bytes(_png(number))
    notes = [(1, 7), (1, 7), (2, 7), (2, 8)]
    data = {
        "images": [{"id": i, "file_name": f"{i - 1}.png"} for i in (1, 2, 3)],
        "categories": [{"id": 7, "name": "rbc"}, {"id": 8, "name": "wbc"}],
        "annotations": [{"image_id": i, "category_id": c, "bbox": [1, 1, 2, 2]} for i, c in notes],
    }
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text(json.dumps(data))
    listing = discover(tmp_path, "d")
    assert (listing.format, [row.label for row in listing.rows]) == ("coco", ["rbc", "rbc", None])
    assert all(Path(row.filepath).is_file() and row.split == split for row in listing.rows)
    assert [row["labels"] for row in listing.conflicts] == [["rbc", "wbc"]]


@pytest.mark.parametrize(
    "text",
    [
        '{"images": 3, "annotations": [], "categories": []}',
        '{"images": [{"id": 1}], "annotations": [], "categories": []}',
        '{"images": [], "annotations": [{"image_id": 1, "category_id": 5}], "categories": []}',
        '{"images": [{"id": [], "file_name": "x"}], "annotations": [], "categories": []}',
        '"images"' + "[" * 100_000,
        '["images"]',
        '{"images": ',
    ],
)
def test_what_is_no_coco_is_told_by_name(tmp_path: Path, text: str) -> None:
    """Wrong types, missing keys, unknown ids, deep nests and broken JSON are input errors."""
    file = tmp_path / "labels.json"
    file.write_text(text)
    with pytest.raises(InputError) as raised:
        discover(file, "d")
    assert str(file) in raised.value.message


@pytest.mark.parametrize(
    "line",
    ["1.png,a", "1.png,a,dev,[],", "1.png,a,,{},", "1.png,a,,[1],", "1.png,a,,[],xyz", '1.png,"a'],
)
def test_a_manifest_with_a_wrong_line_is_told_by_line(tmp_path: Path, line: str) -> None:
    """Too few columns, an unknown split, tags and checksums that are none."""
    (tmp_path / "manifest.csv").write_text(f"filepath,label,split,tags,sha256\n{line}\n")
    with pytest.raises(InputError, match="line 2"):
        discover(tmp_path, "d")


def test_nothing_that_is_there_is_written_over(tmp_path: Path) -> None:
    """A folder of something else is refused and stays; so is an export whose file was changed."""
    wanted = _rows(tmp_path / "in", *PLAIN)
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="something else"):
        write_folder(wanted, out, "csv")
    assert [p.name for p in out.iterdir()] == ["mine.txt"]
    (out / "mine.txt").unlink()
    assert write_folder(wanted, out, "csv").changed  # empty now
    victim = out / "images" / "1.png"
    victim.write_bytes(victim.read_bytes() + b"x")
    with pytest.raises(UsageError, match="something else"):
        write_folder(wanted, out, "csv")


def test_an_export_that_fails_leaves_nothing(tmp_path: Path, monkeypatch) -> None:
    """A disk that is full half-way: no folder, no temporary one beside it, and exit code 7."""
    import errno

    from bccurate.errors import NoSpaceError
    from bccurate.hub import folder_export as exports

    calls = []

    def full(*_):
        calls.append(1)
        if len(calls) > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return "0" * 64

    monkeypatch.setattr(exports, "_copy", full)
    with pytest.raises(NoSpaceError):
        write_folder(_rows(tmp_path / "in", *PLAIN), tmp_path / "out", "csv")
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


def test_files_that_are_gone_or_changed_are_told(tmp_path: Path) -> None:
    """The others go out; a checksum that is not the dataset's is named."""
    rows = _rows(tmp_path / "in", *PLAIN)
    Path(rows[0].filepath).unlink()
    rows[1] = replace(rows[1], sha256="0" * 64)
    outcome = write_folder(rows, tmp_path / "out", "csv")
    assert outcome.written == 4 and outcome.skipped[0]["filepath"] == rows[0].filepath
    assert outcome.altered == [rows[1].filepath]


def test_labels_keep_their_names_as_folders_where_they_can() -> None:
    """Only what would be read as another label, or as no folder at all, gets a name of its own."""
    names = folder_names(["basophil", "immature granulocytes (ig)", "train", "..", "A", "a", "a/b"])
    assert [label for label, name in names.items() if label == name] == [
        "basophil", "immature granulocytes (ig)", "A"
    ]  # fmt: skip
    assert len({name.casefold() for name in names.values()}) == 7
    assert all("/" not in name and name.lower() not in SPLIT_NAMES for name in names.values())


def test_an_npz_holds_pixels_labels_splits_and_tags(tmp_path: Path) -> None:
    """MedMNIST's arrays with names and checksums; in again it is the same samples."""
    wanted = _rows(tmp_path / "in", *PLAIN, ("6.png", None, None, ("y", "train", "val")))
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


def test_the_same_samples_are_the_same_npz(tmp_path: Path) -> None:
    """Byte for byte; another one in its place is refused and stays."""
    rows = _rows(tmp_path / "in", *PLAIN)
    write_npz(rows, tmp_path / "1.npz")
    write_npz(rows, tmp_path / "2.npz")
    first = (tmp_path / "1.npz").read_bytes()
    assert first == (tmp_path / "2.npz").read_bytes()
    assert write_npz(rows, tmp_path / "1.npz").changed is False
    with pytest.raises(UsageError, match="something else"):
        write_npz(rows[1:], tmp_path / "1.npz")
    assert (tmp_path / "1.npz").read_bytes() == first
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1.npz", "2.npz", "in"]


def test_an_npz_of_several_sizes_needs_one(tmp_path: Path) -> None:
    """The message gives the option to type, and it works."""
    rows = _rows(tmp_path / "in", *PLAIN[:2])
    Path(rows[1].filepath).write_bytes(_png(1, 12))
    with pytest.raises(InputError, match="8x8 and 12x12") as raised:
        write_npz(rows, tmp_path / "cells.npz")
    assert raised.value.hint == "--size 8"
    write_npz(rows, tmp_path / "cells.npz", 8)
    with np.load(tmp_path / "cells.npz") as arrays:
        assert arrays["train_images"].shape == (2, 8, 8, 3)


def test_hugging_face_out_and_in_again_is_the_same_samples(tmp_path: Path) -> None:
    """Bytes, labels, splits and tags; equal files stay two samples; again it changes nothing."""
    datasets = pytest.importorskip("datasets")
    from bccurate.hub.huggingface import write_saved

    wanted = _rows(tmp_path / "in", *PLAIN, ("6.png", None, None, ("y",)))
    Path(wanted[1].filepath).write_bytes(Path(wanted[0].filepath).read_bytes())
    out = tmp_path / "out"
    assert write_saved(wanted, out).changed and not write_saved(wanted, out).changed
    read = datasets.load_from_disk(str(out))
    assert read["train"].features["label"].names == ["a", "b"]
    assert read["train"][0]["image"].size == (8, 8)
    listing = discover(out, "d")
    assert (listing.format, _told(listing.rows)) == ("huggingface", _told(wanted))
    with pytest.raises(UsageError, match="something else"):
        write_saved(wanted[1:], out)
