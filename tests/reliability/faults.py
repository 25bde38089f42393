"""Run a command in a child process that is killed at its n-th write, or after some seconds.

A child is a fork of the test process, so that fiftyone and torch are loaded once. It has a database
and a home folder of its own; both are restored to a known state before each fault.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymongo
from bson import Binary, ObjectId, json_util

DATABASE = "faults"
WRITES = ("insert_one", "insert_many", "bulk_write", "update_one", "update_many", "replace_one",
          "delete_one", "delete_many")  # fmt: skip
BATCHES = ("insert_many", "bulk_write")


@dataclass
class Killer:
    """Kill this process with SIGKILL at its ``at``-th write; only count writes where ``at`` is 0.

    A write is a request to the database, or the renaming of a finished file. Of a batch the first
    half is written; a file is complete but still has its temporary name.
    """

    at: int
    count: int = 0

    def install(self) -> None:
        for name in WRITES:
            self._wrap(pymongo.collection.Collection, name, self._half if name in BATCHES else None)
        self._wrap(os, "replace", None)

    def _wrap(self, owner: Any, name: str, half: Callable[..., None] | None) -> None:
        plain = getattr(owner, name)

        def write(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            if self.count == self.at:
                if half:
                    half(plain, *args, **kwargs)
                os.kill(os.getpid(), signal.SIGKILL)
            return plain(*args, **kwargs)

        setattr(owner, name, write)

    @staticmethod
    def _half(plain: Callable[..., Any], collection: Any, items: Any, **kwargs: Any) -> None:
        items = list(items)
        if len(items) > 1:
            plain(collection, items[: len(items) // 2], **kwargs)


@dataclass(frozen=True)
class Ended:
    """The outcome of a child: exit code (minus the signal if killed), output, number of writes."""

    code: int
    output: str
    writes: int


class Place:
    """A database and a home folder for children, with saved states that can be restored."""

    def __init__(self, folder: Path, uri: str, notes: Path | None = None) -> None:
        self.folder, self.home, self.uri = folder, folder / "home", uri
        self.notes = notes or folder  # the output of children, and the saved states
        self.home.mkdir()
        self.client: pymongo.MongoClient = pymongo.MongoClient(uri)
        self.database = self.client[DATABASE]
        self.client.drop_database(DATABASE)
        self._states: dict[str, dict[str, list[Any]]] = {}
        self._indexes: dict[str, dict[str, Any]] = {}

    def save(self, name: str) -> None:
        """Save the state of database and home under a name."""
        collections = self.database.list_collection_names()
        self._states[name] = {c: list(self.database[c].find()) for c in collections}
        self._indexes[name] = {c: self.database[c].index_information() for c in collections}
        shutil.copytree(self.home, self.notes / f"state-{name}", symlinks=True)

    def restore(self, name: str) -> None:
        """Restore the state of that name."""
        for collection in self.database.list_collection_names():
            if collection not in self._states[name]:
                self.database.drop_collection(collection)
        for collection, documents in self._states[name].items():
            self.database[collection].delete_many({})
            if documents:
                self.database[collection].insert_many(documents)
        shutil.rmtree(self.home)
        shutil.copytree(self.notes / f"state-{name}", self.home, symlinks=True)

    def run(
        self, work: Callable[[], Any], kill_at: int | None = None, kill_after: float | None = None
    ) -> Ended:
        """Run ``work`` in a child that is killed at a write, after some seconds, or not at all."""
        output, counted = self.notes / "output", self.notes / "counted"
        counted.write_text("0")
        pid = os.fork()
        if pid == 0:
            _child(self, work, kill_at, output, counted)
        status = _wait(pid, kill_after)
        return Ended(status, output.read_text(errors="replace"), int(counted.read_text()))

    def digest(self) -> dict[str, str]:
        """Return samples, dataset, runs and files by name, each as text without ids and times."""
        found: dict[str, str] = {}
        for document in self.database["datasets"].find():
            collection = document["sample_collection_name"]
            samples = list(self.database[collection].find())
            paths = {str(sample["_id"]): sample["filepath"] for sample in samples}
            assert len(set(paths.values())) == len(samples), "a sample is stored twice"
            for sample in samples:
                found[f"sample {sample['filepath']}"] = _text(_plain(sample, paths))
            fields = sorted(field["name"] for field in document["sample_fields"])
            assert len(set(fields)) == len(fields), "a field is declared twice"
            found[f"fields of {document['name']}"] = _text(fields)
            found |= self._views(document) | self._runs(document)
        return found | self._files()

    def _views(self, dataset: dict[str, Any]) -> dict[str, str]:
        ids = dataset.get("saved_views", [])
        views = [self.database["views"].find_one({"_id": view}) for view in ids]
        assert all(views), "a view is named but not stored"
        return {f"view {view['name']}": _text(_stages(view["view_stages"])) for view in views}

    def _runs(self, dataset: dict[str, Any]) -> dict[str, str]:
        found = {}
        for key, run in dataset.get("runs", {}).items():
            document = self.database["runs"].find_one({"_id": run})
            assert document is not None, f"the run {key} is named but not stored"
            chunks = self.database["fs.chunks"].find({"files_id": document["results"]})
            data = b"".join(chunk["data"] for chunk in sorted(chunks, key=lambda c: c["n"]))
            record = json.loads(json.loads(data)["record"])
            found[f"run {key}"] = _text([_plain(document["config"], {}), _plain(record, {})])
        return found

    def _files(self) -> dict[str, str]:
        found = {}
        for path in sorted(self.home.rglob("*")):
            name = str(path.relative_to(self.home))
            if path.is_file() and not VOLATILE_FILES.search(name):
                data = path.read_bytes()
                if path.suffix == ".json":
                    data = _text(_plain(json.loads(data), {})).encode()
                if path.suffix == ".md":
                    data = re.sub(rb"\d{4}-\d\d-\d\d[^\n]*|[\d.,]+ images[^\n]*", b"", data)
                found[f"file {name}"] = hashlib.sha256(data).hexdigest()
        return found


# These depend on the call and the time, not on the data: file names of curves hold both.
VOLATILE_FILES = re.compile(r"^turns/|^locks/|^\.?config\.json|/tensorboard/")
VOLATILE = {"_id", "_rand", "created_at", "last_modified_at", "_dataset_id", "ended", "seconds",
           "images_per_second", "added", "already_there", "written", "changed", "decoded",
           "notes"}  # fmt: skip


def _plain(value: Any, paths: dict[str, str]) -> Any:
    """Return a value without ids, times and empty fields; sample ids become the file's path."""
    if isinstance(value, dict):
        return {
            k: _plain(v, paths)
            for k, v in sorted(value.items())
            if k not in VOLATILE and v is not None
        }
    if isinstance(value, list):
        return [_plain(item, paths) for item in value]
    if isinstance(value, (bytes, Binary)):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, ObjectId):
        return paths.get(str(value), "some id")
    return paths.get(value, value) if isinstance(value, str) else value


def _stages(stages: list[str]) -> list[Any]:
    return [{k: v for k, v in json_util.loads(stage).items() if k != "_uuid"} for stage in stages]


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _child(
    place: Place, work: Callable[[], Any], kill_at: int | None, output: Path, counted: Path
) -> None:
    code = 1
    try:
        os.setsid()
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        _use(place)
        killer = Killer(kill_at or 0)
        killer.install()
        work()
        counted.write_text(str(killer.count))
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)  # skip the exit handlers, which are the test process's


def _use(place: Place) -> None:
    import fiftyone as fo
    import torch
    from fiftyone.core.odm import database

    torch.set_num_threads(1)  # OpenMP's threads do not survive a fork
    os.environ["BCCURATE_HOME"] = str(place.home)
    database._disconnect()
    fo.config.database_name = DATABASE
    fo.Dataset._instances.clear()
    database._connection_kwargs["host"] = place.uri
    database._connect()


def _wait(pid: int, kill_after: float | None, limit: float = 900) -> int:
    began = time.monotonic()
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        past = time.monotonic() - began
        if past > (limit if kill_after is None else kill_after):
            with suppress(ProcessLookupError):  # it has no process group of its own yet
                os.killpg(pid, signal.SIGKILL)
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            assert kill_after is not None, "the child does not end"
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
