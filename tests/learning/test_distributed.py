"""Two processes train as one does: the same losses with the same global batch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from trainings import run

# Without batch normalisation, whose statistics each process takes of its own part, and dropout.
PLAIN = """
from collections import OrderedDict
from torch import nn


def build(num_classes):
    return nn.Sequential(OrderedDict(
        conv=nn.Conv2d(3, 8, 3, stride=2, padding=1), norm=nn.GroupNorm(2, 8), relu=nn.ReLU(),
        pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(), head=nn.Linear(8, num_classes)))
"""
CODE = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torch
import trainings
from bccurate.learning.distributed import joined
from bccurate.learning.registry import find_model
options = json.loads(sys.argv[3])
with joined(torch.device("cpu")) as world:
    result = trainings.run(find_model("tiny"), Path(sys.argv[2]), world=world, **options)
    if world.leads:
        print(json.dumps(result.history))
"""


@pytest.mark.parametrize("options", [{}, {"balance": "weights", "ema": 0.9, "head_epochs": 1}])
def test_two_processes_train_as_one(tiny, tmp_path: Path, options: dict) -> None:
    """Losses of training and validation equal those of one process to 1e-5 in every epoch."""
    (Path(tiny.package) / "tiny.py").write_text(PLAIN)
    one = run(tiny, tmp_path / "one", **options).history
    script = tmp_path / "two.py"
    script.write_text(CODE)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone",
               "--nproc-per-node", "2", script, Path(__file__).parent, tmp_path / "two",
               json.dumps(options)]  # fmt: skip
    ended = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr[-2000:]
    two = json.loads(ended.stdout.strip().splitlines()[-1])
    for key in ("train_loss", "val_loss", "train_accuracy"):
        assert [row[key] for row in two] == pytest.approx([row[key] for row in one], abs=1e-5)
    assert [p.name for p in (tmp_path / "two").iterdir()] == ["model.safetensors"]
    assert ended.stderr.count("epoch 1/4") == 1  # the second process prints nothing
