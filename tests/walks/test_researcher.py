"""Run the pages for researchers with folders of images and no knowledge of FiftyOne."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from pages import ROOT

pytestmark = pytest.mark.slow
REAL_DATA = ROOT.parent / "shared" / "data" / "pbc96.tar"


def test_from_folders_to_a_clean_list_and_a_report(walk):
    """docs/howto/folder.md reports the planted problems and exports the clean files."""
    printed = walk("howto/folder.md")
    assert "duplicate groups in" in printed and "unreadable:" in printed
    with Path("smears-clean", "manifest.csv").open(newline="") as file:
        clean = list(csv.DictReader(file))
    assert 100 < len(clean) < 160
    assert all(Path("smears-clean", row["filepath"]).is_file() and row["label"] for row in clean)
    assert Path("smears.html").read_text("utf-8").count("<img") > 3
    assert len(list(Path("My smears", "images").glob("*/*"))) == 160, "a file was moved or deleted"


def test_from_the_download_to_a_model_and_its_mistakes(walk, request):
    """docs/tutorial.md runs on real cells if they exist, otherwise on rendered ones."""
    if REAL_DATA.exists():
        images = _extract_cells(REAL_DATA, Path.cwd().parent / "cells")
    else:
        images = request.getfixturevalue("rendered") / "images"
    shutil.make_archive("PBC_dataset_normal_DIB", "zip", images)
    printed = walk("tutorial.md")
    assert "custom_cnn trained on" in printed and "to review" in printed
    assert Path("report.html").stat().st_size < 5_000_000


def _extract_cells(archive: Path, folder: Path, per_class: int = 60) -> Path:
    """Extract the first cells of each class; returns the folder of the classes."""
    from bccurate.archives import unpack

    images = next(unpack(archive, folder).glob("*/images"))
    for label in images.iterdir():
        for path in sorted(label.iterdir())[per_class:]:
            path.unlink()
    return images
