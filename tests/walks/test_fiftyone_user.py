"""Run the how-to for FiftyOne users with an existing dataset."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

LEFT = """
import fiftyone as fo
dataset = fo.load_dataset("theirs")
print(len(dataset), dataset.list_runs(), dataset.list_saved_views(), dataset.distinct("tags"))
"""


def test_commands_work_on_an_existing_dataset_and_undo_reverts_them(walk):
    """docs/howto/fiftyone-dataset.md: after undo no view and no run is left."""
    printed = walk("howto/fiftyone-dataset.md")
    assert "clean of 160" in printed and "groups under two labels" in printed
    left = subprocess.run(
        [sys.executable, "-c", LEFT], capture_output=True, text=True, check=True
    ).stdout
    assert left.splitlines()[-1].startswith("160 [] []"), left
