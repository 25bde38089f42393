"""MongoDB is killed during writes: the command says so, and no acknowledged write is lost."""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pymongo
import pytest

BATCH = 1000  # samples that the import stores in one request
MOST_SECONDS = 30  # from the kill to the end of the command
# The command line, which notes each batch of samples that the database has acknowledged.
PROGRAM = """
import sys
import pymongo.collection
noted, sys.argv[1:] = sys.argv[1], sys.argv[2:]
plain = pymongo.collection.Collection.insert_many
def insert_many(self, documents, *args, **kwargs):
    answer = plain(self, documents, *args, **kwargs)
    if self.name.startswith("samples."):
        with open(noted, "a") as file:
            file.writelines(document["filepath"] + "\\n" for document in documents)
    return answer
pymongo.collection.Collection.insert_many = insert_many
from bccurate.cli import main
main()
"""


@dataclass
class Server:
    """A MongoDB that can be killed and restarted, and commands that use it."""

    folder: Path
    port: int
    process: subprocess.Popen | None = None

    @property
    def uri(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}"

    def start(self) -> None:
        spec = importlib.util.find_spec("fiftyone")
        program = Path(spec.submodule_search_locations[0]) / "db" / "bin" / "mongod"
        (self.folder / "db").mkdir(exist_ok=True)
        command = [program, "--dbpath", self.folder / "db", "--port", self.port, "--nounixsocket",
                   "--bind_ip", "127.0.0.1", "--logpath", self.folder / "log"]  # fmt: skip
        self.process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text()[-2000:])

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(20)

    def command(self, *args: object) -> subprocess.Popen:
        env = os.environ | {
            "FIFTYONE_DATABASE_URI": self.uri,
            "HOME": str(self.folder),
            "BCCURATE_HOME": str(self.folder / "home"),
        }
        line = [sys.executable, "-c", PROGRAM, self.folder / "noted", *args]
        return subprocess.Popen(
            list(map(str, line)), env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(tmp_path, port)
    server.start()
    (tmp_path / "noted").touch()
    yield server
    server.process.kill()
    server.process.wait(20)


def _copies(rendered: Path, folder: Path, n: int) -> Path:
    """Link the rendered cells under n names."""
    sources = sorted((rendered / "images").rglob("*.png"))
    for number in range(n):
        source = sources[number % len(sources)]
        target = folder / source.parent.name / f"{number:05d}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(source, target)
    return folder


def _wait_for_samples(server: Server, process: subprocess.Popen, n: int) -> None:
    client: pymongo.MongoClient = pymongo.MongoClient(server.uri)
    database = client["fiftyone"]
    deadline = time.monotonic() + 600
    while True:
        row = database.datasets.find_one({"name": "cells"})
        if row and database[row["sample_collection_name"]].count_documents({}) >= n:
            break
        assert time.monotonic() < deadline and process.poll() is None, process.stderr.read()
        time.sleep(0.005)
    client.close()


def _stored(server: Server) -> list[str]:
    client: pymongo.MongoClient = pymongo.MongoClient(server.uri)
    row = client["fiftyone"].datasets.find_one({"name": "cells"})
    paths = [s["filepath"] for s in client["fiftyone"][row["sample_collection_name"]].find()]
    client.close()
    return paths


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_an_import_whose_database_is_killed_exits_with_5_and_can_be_repeated(
    server: Server, rendered: Path, tmp_path: Path, kills: int
) -> None:
    """The error names the next command; acknowledged samples are stored; repeating it finishes."""
    rng, slowest, stored = random.Random(kills), 0.0, []
    n = BATCH * (kills + 3)
    files = _copies(rendered, tmp_path / "files", n)
    for kill in range(kills):
        import_ = server.command("import", files, "--name", "cells")
        _wait_for_samples(server, import_, len(stored) + 1)
        time.sleep(rng.uniform(0, 0.05))
        server.kill()
        began = time.monotonic()
        _, err = import_.communicate(timeout=600)
        slowest = max(slowest, time.monotonic() - began)
        assert slowest < MOST_SECONDS
        assert import_.returncode == 5 and "try: bccurate doctor" in err, err
        assert "Traceback" not in err
        server.start()
        noted = set((server.folder / "noted").read_text().splitlines())
        stored = _stored(server)
        assert noted <= set(stored) and len(set(stored)) == len(stored)
        print(f"kill {kill + 1}: {len(noted)} acknowledged, {len(stored)} stored, {slowest:.1f} s")
    done = server.command("import", files, "--name", "cells", "--json")
    out, err = done.communicate(timeout=900)
    assert done.returncode == 0 and f'"total": {n}' in out, err
    assert len(set(_stored(server))) == len(_stored(server)) == n
