"""A database of the tests' own, on a free port, and a home folder that is thrown away.

A managed mongod is shared by all processes of a user, so the tests start theirs and point
FiftyOne at it before fiftyone is imported.
"""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import bccurate  # noqa: F401  # before torch, whose threads it tells how to wait

ROOT = Path(__file__).resolve().parent.parent
REAL_DATA = ROOT.parent / "shared" / "data" / "pbc96.tar"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _start_mongod(folder: Path) -> str:
    spec = importlib.util.find_spec("fiftyone")
    mongod = Path(spec.submodule_search_locations[0]) / "db" / "bin" / "mongod"
    port = _free_port()
    (folder / "db").mkdir(parents=True)
    command = [mongod, "--dbpath", folder / "db", "--port", str(port), "--nounixsocket",
               "--bind_ip", "127.0.0.1", "--logpath", folder / "mongod.log"]  # fmt: skip
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)

    def stop() -> None:
        process.terminate()
        process.wait(20)

    # Before fiftyone is imported: it then closes its connections first and exits at once.
    atexit.register(stop)
    for _ in range(1200):  # a minute: on a machine that does much else it takes long
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return f"mongodb://127.0.0.1:{port}"
        time.sleep(0.05)
    raise RuntimeError(f"mongod did not start: {(folder / 'mongod.log').read_text()[-2000:]}")


_HOME = Path(tempfile.mkdtemp(prefix="bccurate-tests-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
os.environ["HOME"] = str(_HOME)
os.environ["BCCURATE_HOME"] = str(_HOME / "bccurate")
os.environ.pop("BCCURATE_DATASET", None)
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["FIFTYONE_DATABASE_URI"] = _start_mongod(_HOME)


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)


@pytest.fixture
def cli(monkeypatch, capfd) -> Callable[..., Outcome]:
    """Run a command line in this process, through the same ``main`` as the console script."""
    from bccurate.cli import main

    def run(*args: object) -> Outcome:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["bccurate", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return Outcome(ended.value.code or 0, out, err)

    return run


@pytest.fixture(scope="session")
def rendered(tmp_path_factory) -> Path:
    """A folder of 160 rendered cells with planted problems and their truth."""
    from bccurate import sample

    folder = tmp_path_factory.mktemp("rendered")
    sample(folder / "cells", n=160, seed=7)
    return folder / "cells"


@pytest.fixture(scope="session")
def truth(rendered: Path) -> dict[str, Any]:
    return json.loads((rendered / "truth.json").read_text())


@pytest.fixture
def name(request) -> Iterator[str]:
    """A dataset name of this test's own; the dataset is deleted afterwards."""
    from bccurate.hub.open import load_fiftyone

    fo = load_fiftyone()  # configured: a bare import would log to a stream that pytest closes
    name = f"t-{request.node.name[:40]}-{os.getpid()}"
    yield name
    if fo.dataset_exists(name):
        fo.delete_dataset(name)


@pytest.fixture(scope="session")
def real_data() -> Path:
    if not REAL_DATA.exists():
        pytest.skip("the real cells (pbc96.tar) are not beside this checkout")
    return REAL_DATA
