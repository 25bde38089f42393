"""Records give the same facts as text and as JSON, and are read back."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import pytest

from bccurate.records import DedupeRecord, ImportRecord, Record, SplitRecord, UseRecord

SPLIT = SplitRecord(
    "cells",
    {"train": 0.7, "val": 0.3, "test": 0.0},
    51,
    {"train": {"ig": 7, "a.b$c": 3}, "val": {"ig": 3}, "test": {}},
    2,
    warnings=["class 'a.b$c' has no image in val"],
)


def test_json_holds_schema_command_dataset_and_the_fields() -> None:
    """One flat object for json.dumps, from which from_json makes the same record."""
    data = SPLIT.to_json()
    assert list(data)[:3] == ["schema", "command", "dataset"]
    assert (data["schema"], data["command"], data["seed"]) == (1, "split", 51)
    assert SplitRecord.from_json(json.loads(json.dumps(data))) == SPLIT


def test_a_record_of_a_later_release_is_read() -> None:
    """Unknown keys are ignored."""
    assert UseRecord.from_json({**UseRecord("a").to_json(), "new": 1}) == UseRecord("a")


def test_a_record_is_immutable() -> None:
    """Setting a field is an error."""
    with pytest.raises(FrozenInstanceError):
        SPLIT.seed = 1  # type: ignore[misc]


def test_text_has_every_number_the_warnings_and_whether_something_changed() -> None:
    """Columns are aligned, numbers to the right; a missing number is 0."""
    lines = str(SPLIT).split("\n")
    assert lines[1:5] == [
        "class  train  val  test",
        "a.b$c      3    0     0",
        "ig         7    3     0",
        "total     10    3     0",
    ]
    assert lines[5] == "warning: class 'a.b$c' has no image in val"
    assert "Already up to date" not in str(SPLIT)
    assert str(UseRecord("cells", changed=False)).endswith("Already up to date.")
    assert str(Record(None)) == ""


def test_long_lists_are_shortened_in_text_and_complete_in_json() -> None:
    """Five unreadable files are listed, the others counted."""
    bad = [{"filepath": f"/{i}.png", "reason": "empty file"} for i in range(12)]
    record = ImportRecord("c", "/", "csv", 12, 0, 12, {}, bad, [], [])
    assert sum("empty file" in line for line in record.lines()) == 5
    assert "  … and 7 more (--json lists all)" in record.lines()
    assert len(record.to_json()["unreadable"]) == 12


def test_label_conflicts_are_shown_with_their_labels() -> None:
    """The number of images with each label."""
    group = {"kind": "exact", "members": ["/a", "/b", "/c"], "keep": "/a",
             "labels": {"ig": 2, "monocyte": 1}, "conflict": True, "similarity": 1.0}  # fmt: skip
    counts = {"samples": 3, "groups": 1, "exact": 1, "near": 0,
              "duplicates": 2, "conflicts": 1}  # fmt: skip
    record = DedupeRecord("c", "phash", 4, "first", [group], [], counts)
    assert "  conflict: 3 x /a (ig 2, monocyte 1)" in record.lines()
