"""A zoo folder with one network small enough to train in a second."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
