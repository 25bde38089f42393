"""COCO: what others write is read, and what is written others read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from exported_rows import PLAIN, png, rows_of

from bccurate.errors import InputError
from bccurate.hub.folder_export import write_folder
from bccurate.hub.import_formats import discover


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv("BCCURATE_HOME", str(tmp_path_factory.mktemp("home")))


def test_fiftyone_and_coco_tools_read_the_export(tmp_path: Path) -> None:
    """Ids from 1, the whole image for a box, one file more for each split."""
    write_folder(rows_of(tmp_path / "in", *PLAIN), tmp_path / "out", "coco")
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
def test_coco_of_other_programs_is_read(tmp_path: Path, place: str, split: str | None) -> None:
    """Roboflow's and COCO's own layout; two classes on one image are a conflict, none is none."""
    images = {"annotations/instances_val2017.json": tmp_path / "val2017"}.get(
        place, (tmp_path / place).parent
    )
    images.mkdir(parents=True, exist_ok=True)
    for number in range(3):
        (images / f"{number}.png").write_bytes(png(number))
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
def test_a_file_that_is_no_coco_is_named(tmp_path: Path, text: str) -> None:
    """Wrong types, missing keys, unknown ids, deep nests and broken JSON are input errors."""
    file = tmp_path / "labels.json"
    file.write_text(text)
    with pytest.raises(InputError) as raised:
        discover(file, "d")
    assert str(file) in raised.value.message
