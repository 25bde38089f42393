"""Write tests/compat/0.1.0 with the code of release 0.1.0.

Run once, in a checkout of the last commit before the release after it, with its environment:

    cd /work/baseline && .venv/bin/python OTHER/tests/compat/make_0_1_0.py OTHER/tests/compat/0.1.0

It starts a mongod of its own, runs the command line of the installed bccurate in a temporary
folder, and keeps what the commands wrote: ``images`` and ``zoo`` (the input), ``home`` (the folder
``$BCCURATE_HOME``), ``exports``, ``database.json`` (every document of MongoDB) and
``answers.json`` (what the commands said with ``--json``). In all of them the temporary folder
reads ``{PLACE}``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import gridfs
import pymongo
from bson import json_util

NAME = "cells"
TINY = """from collections import OrderedDict

from torch import nn


def build(num_classes):
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(3, 8, 3, stride=2, padding=1),
            bn=nn.BatchNorm2d(8),
            relu=nn.ReLU(),
            pool=nn.AdaptiveAvgPool2d(1),
            flat=nn.Flatten(),
            head=nn.Linear(8, num_classes),
        )
    )
"""
ROW = {"module": "tiny", "input_size": 32, "mean": [0.5] * 3, "std": [0.25] * 3,
       "gradcam_layer": "conv", "weights": None, "licence": "MIT", "paper": "none"}  # fmt: skip
MODELS = ("tiny", "tiny_two", "tiny_three")
TRAIN = ("--zoo", "zoo", "--epochs", 2, "--batch-size", 16, "--device", "cpu", "--log", "none")
INTERRUPTED = ("train", "tiny_three", "--zoo", "zoo", "--epochs", 40, "--batch-size", 4, "--ema",
               0.9, "--device", "cpu", "--log", "none")  # fmt: skip
COMMANDS: list[tuple[object, ...]] = [
    ("sample", "images", "--n", 32, "--size", 32, "--seed", 5),
    ("import", "images", "--name", NAME),
    ("use", NAME),
    ("dedupe",),
    ("outliers",),
    ("split", "--folds", 2),
    ("leaks",),
    ("augment", "augmix"),
    ("background", "--view", "test"),
    ("train", "tiny", *TRAIN),
    ("train", "tiny_two", *TRAIN, "--seed", 2),
    ("evaluate", "tiny", "--zoo", "zoo"),
    ("mistakes", "tiny", "--zoo", "zoo"),
    ("explain", "tiny", "--zoo", "zoo", "--view", "test"),
    ("train", "stacker", "--base", "tiny,tiny_two", "--folds", 2, *TRAIN),
    ("evaluate", "stacker", "--zoo", "zoo"),
    ("export", "exports/folder", "--view", "clean"),
    ("export", "exports/csv", "--format", "csv", "--view", "test"),
    ("export", "exports/coco", "--format", "coco", "--view", "test"),
    ("export", "exports/cells.npz", "--view", "test"),
    ("info",),
    ("models", "--zoo", "zoo"),
]


# Of which images and labels a finished training keeps a checksum, and the checksum.
TRAINING_DATA = f"""
import json
from bccurate.commands.training_data import (
    classes_of, digest, training_samples, validation_samples)
from bccurate.hub.open import opened
with opened({NAME!r}) as hub:
    training = training_samples(hub, [])
    validation = validation_samples(hub).known(classes_of(training, {NAME!r}))
parts = [[part.paths, part.labels] for part in (training, validation)]
print(json.dumps({{"parts": parts, "digest": digest(training, validation)}}))
"""


def _mongod(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    package = importlib.util.find_spec("fiftyone").submodule_search_locations[0]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "db").mkdir()
    command = [Path(package) / "db" / "bin" / "mongod", "--dbpath", folder / "db", "--port", port,
               "--nounixsocket", "--bind_ip", "127.0.0.1", "--logpath", folder / "log"]  # fmt: skip
    return subprocess.Popen(list(map(str, command))), f"mongodb://127.0.0.1:{port}"


def _write_zoo(folder: Path) -> None:
    folder.mkdir()
    models = [{"base_name": f"tiny/{name}", "bccurate": {"name": name, **ROW}} for name in MODELS]
    (folder / "manifest.json").write_text(json.dumps({"name": "tiny", "models": models}))
    (folder / "tiny.py").write_text(TINY)


def _run(place: Path, command: tuple[object, ...]) -> dict[str, Any]:
    line = [sys.executable, "-m", "bccurate", *map(str, command), "--json"]
    done = subprocess.run(line, cwd=place, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command}: {done.stderr}")
    return json.loads(done.stdout)


def header(file: Path) -> dict[str, Any]:
    """Return what bccurate wrote in the header of a safetensors file."""
    with open(file, "rb") as opened:
        length = struct.unpack("<Q", opened.read(8))[0]
        return json.loads(json.loads(opened.read(length))["__metadata__"]["bccurate"])


def _interrupt_training(place: Path) -> None:
    """Kill a training after some epochs; its checkpoint stays."""
    line = [sys.executable, "-m", "bccurate", *map(str, INTERRUPTED)]
    process = subprocess.Popen(line, cwd=place)
    file = place / "home" / "datasets" / NAME / "models" / "tiny_three" / "checkpoint.safetensors"
    while not file.exists() or len(header(file)["history"]) < 3:
        assert process.poll() is None, "the training ended before it was interrupted"
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()


def _dump(uri: str) -> dict[str, Any]:
    """Every document; the files of GridFS as text, for they hold paths."""
    database = pymongo.MongoClient(uri)["fiftyone"]
    names = [n for n in sorted(database.list_collection_names()) if not n.startswith("fs.")]
    documents = {name: list(database[name].find()) for name in names}
    files = [[file._id, file.read().decode()] for file in gridfs.GridFS(database).find()]
    return {"collections": documents, "files": files}


def _networks() -> dict[str, str]:
    """The name and shape of each tensor of each built-in model with 8 classes, as a digest."""
    from bccurate.learning.zoo import list_models

    return {model.name: digest_of_tensors(model.build(8)) for model in list_models()}


def digest_of_tensors(network: Any) -> str:
    """SHA-256 of the names and shapes of a network's tensors, in order."""
    rows = [f"{name} {tuple(tensor.shape)}" for name, tensor in network.state_dict().items()]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def main() -> None:
    """Run the commands and keep what they wrote."""
    out = Path(sys.argv[1]).resolve()
    work = Path(tempfile.mkdtemp(prefix="bccurate-0.1.0-"))
    place = work / "place"
    (place / "home").mkdir(parents=True)
    server, uri = _mongod(work)
    os.environ |= {"HOME": str(work), "BCCURATE_HOME": str(place / "home"),
                   "FIFTYONE_DATABASE_URI": uri, "FIFTYONE_DO_NOT_TRACK": "1"}  # fmt: skip
    try:
        _write_zoo(place / "zoo")
        answers = [{"typed": list(command), "json": _run(place, command)} for command in COMMANDS]
        _interrupt_training(place)
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(place, out, ignore=shutil.ignore_patterns("__pycache__", "masks"))
        database = json_util.dumps(_dump(uri))
        # What the finished training is like; the kept files are from before it was finished.
        answers.append({"typed": list(INTERRUPTED), "json": _run(place, INTERRUPTED)})
        line = [sys.executable, "-c", TRAINING_DATA]
        data = json.loads(subprocess.run(line, capture_output=True, check=True).stdout)
        answers.append({"networks": _networks(), "training_data": data})
    finally:
        server.terminate()
        server.wait()
    (out / "database.json").write_text(database)
    (out / "answers.json").write_text(json.dumps(answers))
    for path in out.rglob("*"):
        if path.suffix in (".json", ".csv", ".md"):
            path.write_text(path.read_text().replace(str(place), "{PLACE}"))
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
