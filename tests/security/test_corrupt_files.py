"""A folder in which every tenth file is spoilt: no crash, each is named, no good one goes."""

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
def test_spoilt_files_are_named_with_their_kind_and_lose_no_other(
    cli, name: str, tmp_path: Path, good: int, bad: int
) -> None:
    """By import and dedupe: all of them by kind, all good ones kept, none spoilt in a group."""
    fine, spoilt = write(tmp_path / "cells", good, bad)
    assert (len(fine), len(spoilt)) == (good, bad)
    record = cli("import", tmp_path / "cells", "--name", name, "--json").json
    assert record["total"] == good + bad
    reasons = {Path(row["filepath"]): row["reason"] for row in record["unreadable"]}
    notes = {Path(row["filepath"]): row["note"] for row in record["notes"]}
    for path, kind in spoilt.items():
        told, kinds = (reasons, UNREADABLE) if kind in UNREADABLE else (notes, NOTED)
        assert any(word in told.get(path, "") for word in kinds[kind][1].split("|")), (path, kind)
    assert reasons.keys() | notes.keys() == spoilt.keys()
    with opened(name) as dataset:
        assert set(dataset.match_tags("unreadable").values("filepath")) == set(map(str, reasons))
    found = cli("dedupe", "-d", name, "--json").json
    assert found["counts"]["samples"] == good + bad - len(reasons)
    grouped = {Path(path) for group in found["groups"] for path in group["members"]}
    assert not grouped & reasons.keys()
