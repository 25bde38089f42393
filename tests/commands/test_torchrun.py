"""Several processes train one network; one of them keeps the dataset."""

from __future__ import annotations

import json
import subprocess
import sys

import fiftyone as fo
from tiny_zoo import zoo  # noqa: F401

import bccurate


def test_torchrun_trains_and_writes_once(name, rendered, zoo):  # noqa: F811
    """Two processes end in one record, one set of predictions, and nothing left to do."""
    bccurate.import_(rendered, name)
    bccurate.outliers(name)
    bccurate.split(name, val=0.2, test=0.2)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node",
               "2", "-m", "bccurate", "train", "tiny", "-d", name, "--zoo", str(zoo), "--epochs",
               "2", "--device", "cpu", "--json"]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert ended.returncode == 0, ended.stderr[-2000:]
    record = json.loads(ended.stdout)  # one object: the second process prints nothing
    assert len(record["history"]) == 2 and set(record["metrics"]) == {"train", "val", "test"}
    dataset = fo.load_dataset(name)
    dataset.reload()
    assert None not in dataset.match_tags("unreadable", bool=False).values("tiny.label")
    again = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert again.returncode == 0 and not json.loads(again.stdout)["changed"]
