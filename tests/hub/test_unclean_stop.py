"""The database is killed in the middle: what was stored is counted right afterwards."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

FILL = """
import fiftyone as fo
from bccurate.hub.open import opened
from bccurate.hub.write import add_samples
with opened("cells", create=True) as dataset:
    add_samples(dataset, (fo.Sample(filepath=f"/{i}.png", tags=["a"]) for i in range(3000)))
print("filled", flush=True)
"""
COUNT = """
from bccurate.commands.info import info
from bccurate.hub.open import opened
with opened("cells") as dataset:
    print(len(dataset), dataset.count(), len(dataset.match_tags("a")), len(dataset.values("id")))
print(info("cells").n)
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _mongod(folder: Path, port: int) -> subprocess.Popen:
    spec = importlib.util.find_spec("fiftyone")
    program = Path(spec.submodule_search_locations[0]) / "db" / "bin" / "mongod"
    (folder / "db").mkdir(exist_ok=True)
    command = [program, "--dbpath", folder / "db", "--port", str(port), "--nounixsocket",
               "--bind_ip", "127.0.0.1", "--logpath", folder / "log"]  # fmt: skip
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
    for _ in range(400):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.05)
    process.kill()
    raise AssertionError((folder / "log").read_text()[-2000:])


def _python(script: str, folder: Path, port: int) -> str:
    env = os.environ | {
        "FIFTYONE_DATABASE_URI": f"mongodb://127.0.0.1:{port}",
        "HOME": str(folder),
        "BCCURATE_HOME": str(folder / "home"),
    }
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_counts_are_right_after_the_database_was_killed(tmp_path: Path, port: int) -> None:
    """kill -9 right after 3,000 samples were stored: every way to count says 3,000."""
    process = _mongod(tmp_path, port)
    try:
        assert "filled" in _python(FILL, tmp_path, port)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(20)
        process = _mongod(tmp_path, port)
        assert _python(COUNT, tmp_path, port).split()[-5:] == ["3000"] * 5
    finally:
        process.terminate()
        process.wait(20)
