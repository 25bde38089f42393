"""Damaged files in a folder: no crash, each is reported, no sound file is lost."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from spoilt import NOTED, UNREADABLE, write

from bccurate.hub.open import opened


@pytest.mark.parametrize(
    ("good", "bad"), [(130, 26), pytest.param(5000, 500, marks=pytest.mark.slow)]
)
def test_damaged_files_are_reported_with_their_kind_and_no_sound_file_is_lost(
    cli, name: str, tmp_path: Path, good: int, bad: int
) -> None:
    """By import and dedupe: each damaged file is named, sound ones are kept, none is grouped."""
    sound, damaged = write(tmp_path / "cells", good, bad)
    assert (len(sound), len(damaged)) == (good, bad)
    record = cli("import", tmp_path / "cells", "--name", name, "--json").json
    assert record["total"] == good + bad
    reasons = {Path(row["filepath"]): row["reason"] for row in record["unreadable"]}
    notes = {Path(row["filepath"]): row["note"] for row in record["notes"]}
    for path, kind in damaged.items():
        messages, kinds = (reasons, UNREADABLE) if kind in UNREADABLE else (notes, NOTED)
        assert any(word in messages.get(path, "") for word in kinds[kind][1].split("|")), (
            path,
            kind,
        )
    assert reasons.keys() | notes.keys() == damaged.keys()
    with opened(name) as dataset:
        assert set(dataset.match_tags("unreadable").values("filepath")) == set(map(str, reasons))
    found = cli("dedupe", "-d", name, "--json").json
    assert found["counts"]["samples"] == good + bad - len(reasons)
    grouped = {Path(path) for group in found["groups"] for path in group["members"]}
    assert not grouped & reasons.keys()
