"""FiftyOne's own MongoDB, started through us: soon, shared, and gone with the last who uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import psutil
import pytest

# A client: tells what it found, then stays until its input ends.
CLIENT = """
import json, os, sys
from bccurate.hub.open import database_version, load_fiftyone
names = load_fiftyone().list_datasets()
from fiftyone.core.odm.database import _db_service
print(json.dumps({"names": names, "version": database_version(), "service": _db_service.child.pid}))
sys.stdout.flush()
sys.stdin.read()
"""


@pytest.fixture
def client(tmp_path) -> Iterator[Callable[..., tuple[subprocess.Popen, dict]]]:
    """Start a client with a home and a database folder of this test's own."""
    started = []

    def start(**more: str) -> tuple[subprocess.Popen, dict]:
        own = dict.fromkeys(["HOME", "BCCURATE_HOME"], str(tmp_path))
        env = {**os.environ, **own, "FIFTYONE_DATABASE_DIR": str(tmp_path / "db"), **more}
        env.pop("FIFTYONE_DATABASE_URI")
        process = subprocess.Popen(
            [sys.executable, "-c", CLIENT], env=env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        return process, json.loads(process.stdout.readline())

    yield start
    for process in started:
        process.stdin.close()
        process.wait(30)


def test_what_keeps_mongodb_alive_loads_nothing_else(client):
    """No library of FiftyOne's is in that process, whose start the first command waits for; a
    PYTHONPATH of the person's own is still there."""
    _, found = client(PYTHONPATH="/of/the/person")
    service = psutil.Process(found["service"])
    assert found["names"] == [] and found["version"][0].isdigit()
    assert [child.name() for child in service.children()] == ["mongod"]
    assert not [mapped.path for mapped in service.memory_maps() if "numpy" in mapped.path]
    assert service.environ()["PYTHONPATH"].split(os.pathsep)[1:] == ["/of/the/person"]


def test_a_second_process_shares_it_and_the_last_one_ends_it(client):
    """MongoDB outlives the process that started it while another is at work, and no longer."""
    first, found = client()
    second, again = client()
    service = psutil.Process(found["service"])
    mongod = service.children()[0]
    assert again["service"] == found["service"]
    first.stdin.close()
    assert first.wait(30) == 0 and mongod.is_running()
    second.stdin.close()
    assert second.wait(30) == 0
    assert psutil.wait_procs([mongod, service], timeout=30)[1] == []
