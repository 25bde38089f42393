"""Provide a small network in a zoo folder."""

import json
from pathlib import Path

import pytest

from bccurate.learning.registry import ModelSpec, find_model

TINY = """
from collections import OrderedDict
from torch import nn


def build(num_classes):
    return nn.Sequential(OrderedDict(
        conv=nn.Conv2d(3, 8, 3, stride=2, padding=1), bn=nn.BatchNorm2d(8), relu=nn.ReLU(),
        conv2=nn.Conv2d(8, 8, 3, stride=2, padding=1), pool=nn.AdaptiveAvgPool2d(1),
        flat=nn.Flatten(), drop=nn.Dropout(0.25), head=nn.Linear(8, num_classes)))
"""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    """A network for images of 16 px, found by its name ``tiny`` while the test runs."""
    zoo = tmp_path / "zoo"
    zoo.mkdir()
    (zoo / "tiny.py").write_text(TINY)
    row = {"name": "tiny", "module": "tiny", "input_size": 16, "gradcam_layer": "conv"}
    row |= {"mean": [0.5] * 3, "std": [0.5] * 3, "licence": "MIT", "paper": "none"}
    (zoo / "manifest.json").write_text(json.dumps({"models": [{"bccurate": row}]}))
    monkeypatch.setenv("BCCURATE_ZOO", str(zoo))
    return find_model("tiny")
