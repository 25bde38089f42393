"""``make paper`` on a few rendered cells writes two tables and a figure."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from PIL import Image


@pytest.mark.slow
def test_tables_and_figure_are_written(tmp_path, monkeypatch, capsys):
    """Raw and clean counts, one row per model, a sheet of heatmaps; no number of the paper."""
    import fiftyone as fo

    from tests.bench import paper

    monkeypatch.setattr(paper, "PLACE", tmp_path)
    options = ["--data", str(tmp_path / "none"), "--epochs", "1", "--size", "64"]
    monkeypatch.setattr(sys, "argv", ["paper", *options, "--only", "custom_cnn"])
    before = set(fo.list_datasets())
    try:
        paper.main()
    finally:
        for name in set(fo.list_datasets()) - before:
            fo.delete_dataset(name)
    printed = capsys.readouterr().out
    assert re.search(r"^total +400 +3\d\d$", printed, flags=re.M)
    assert re.search(r"^custom_cnn( +0\.\d{4}){6}$", printed, flags=re.M)
    assert "the paper" not in printed, "rendered cells are not set beside the paper's"
    assert (tmp_path / "tables.txt").read_text("utf-8") in printed
    sheet = Image.open(tmp_path / "figure-2.png")
    assert sheet.size == (2 * paper.COLUMNS * 96, 8 * 96)
    assert Path(tmp_path / "rendered" / "truth.json").exists()
