"""A model of one's own from a folder, through every command that builds it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import bccurate

TINY = """
from collections import OrderedDict
from torch import nn


def build(num_classes):
    return nn.Sequential(OrderedDict(
        conv=nn.Conv2d(3, 8, 3, stride=2, padding=1), bn=nn.BatchNorm2d(8), relu=nn.ReLU(),
        pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(), head=nn.Linear(8, num_classes)))
"""
ROW = {
    "name": "tiny",
    "module": "tiny",
    "input_size": 32,
    "mean": [0.5, 0.5, 0.5],
    "std": [0.25, 0.25, 0.25],
    "gradcam_layer": "conv",
    "weights": None,
    "licence": "MIT",
    "paper": "none",
}


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    manifest = {"name": "mine", "models": [{"base_name": "mine/tiny", "bccurate": ROW}]}
    (tmp_path / "zoo").mkdir()
    (tmp_path / "zoo" / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "zoo" / "tiny.py").write_text(TINY)
    return tmp_path / "zoo"


def test_a_model_of_a_folder_goes_the_whole_way(cli, name, rendered, zoo):
    """Trained, predicted, measured, ranked and explained with ``--zoo``; unknown without it."""
    bccurate.import_(rendered, name)
    bccurate.split(name, val=0.2, test=0.2)
    options = ("tiny", "-d", name, "--zoo", zoo)
    record = cli("train", *options, "--epochs", 1, "--batch-size", 64, "--json").json
    assert record["model"] == "tiny" and record["settings"]["image_size"] == 32
    for command in ("predict", "evaluate", "mistakes", "explain"):
        assert cli(command, *options, "--json").code == 0, command
    assert not cli("train", *options, "--epochs", 1, "--batch-size", 64, "--json").json["changed"]
    outcome = cli("evaluate", "tiny", "-d", name)
    assert outcome.code == 2 and "There is no model 'tiny'" in outcome.err
