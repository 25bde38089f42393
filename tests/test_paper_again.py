"""``make paper`` on rendered cells: two tables and a picture, at the size of a test."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image


@pytest.mark.slow
def test_tables_and_figure_are_made(tmp_path, monkeypatch, capsys):
    """Raw and clean counts, one row a model, the paper's number, and a sheet of heatmaps."""
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
    assert "total           400" in printed and "custom_cnn" in printed
    assert "the paper: 0.9856" in printed
    assert (tmp_path / "tables.txt").read_text("utf-8") in printed
    sheet = Image.open(tmp_path / "figure-2.png")
    assert sheet.size == (2 * paper.COLUMNS * 96, 8 * 96)
    assert Path(tmp_path / "rendered" / "truth.json").exists()
