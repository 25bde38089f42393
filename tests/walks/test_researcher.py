"""A hematology researcher with folders of images, who knows a terminal and no FiftyOne."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from pages import ROOT

pytestmark = pytest.mark.slow
REAL_DATA = ROOT.parent / "shared" / "data" / "pbc96.tar"


def test_from_folders_to_a_clean_list_and_a_report(walk):
    """docs/howto/folder.md: what is wrong is named, and the clean files are listed."""
    printed = walk("howto/folder.md")
    assert "duplicate groups in" in printed and "unreadable:" in printed
    with Path("smears-clean", "manifest.csv").open(newline="") as file:
        clean = list(csv.DictReader(file))
    assert 100 < len(clean) < 160
    assert all(Path("smears-clean", row["filepath"]).is_file() and row["label"] for row in clean)
    assert Path("smears.html").read_text("utf-8").count("<img") > 3
    assert len(list(Path("My smears", "images").glob("*/*"))) == 160, "a file was moved or deleted"


def test_from_the_download_to_a_model_and_its_mistakes(walk, request):
    """docs/tutorial.md on real cells where they are; the walk brings the download alone."""
    if REAL_DATA.exists():
        images = _some_real_cells(REAL_DATA, Path.cwd().parent / "cells")
    else:
        images = request.getfixturevalue("rendered") / "images"
    shutil.make_archive("PBC_dataset_normal_DIB", "zip", images)
    printed = walk("tutorial.md")
    assert "custom_cnn trained on" in printed and "to review" in printed
    assert Path("report.html").stat().st_size < 5_000_000


def _some_real_cells(archive: Path, folder: Path, of_a_class: int = 60) -> Path:
    from bccurate.archives import unpack

    images = next(unpack(archive, folder).glob("*/images"))
    for label in images.iterdir():
        for path in sorted(label.iterdir())[of_a_class:]:
            path.unlink()
    return images
