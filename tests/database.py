"""Which tests need MongoDB, which take long, and the MongoDB of the tests' own.

FiftyOne connects when it is imported. A test module that imports fiftyone, or most of whose tests
run commands on a dataset, is listed in ``NEEDS_DATABASE``; MongoDB is started before the first of
them is imported. Elsewhere a test that needs it uses the fixture ``database`` (``name`` does).
Until MongoDB is started, importing fiftyone fails with a message that says this.
"""

from __future__ import annotations

import atexit
import importlib.abc
import importlib.util
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent
# Files and folders below tests/. `make test-fast` leaves both lists out.
NEEDS_DATABASE = (
    "app", "commands", "compat", "hub", "reliability", "security/test_app_address.py",
    "security/test_hostile_names.py", "test_doc_blocks.py", "test_docs.py", "test_paper_again.py",
    "walks", "workflows", "zoo/test_zoo_fiftyone.py",
)  # fmt: skip
TAKES_LONG = (
    "duplicates/test_ray_engine.py", "learning/test_distributed.py", "learning/test_options.py",
    "learning/test_onnx.py", "learning/test_pretrained.py", "learning/test_train.py",
    "reporting/test_page.py", "security/test_bombs.py", "test_wheel.py", "zoo",
)  # fmt: skip
_PACKAGE = Path(importlib.util.find_spec("fiftyone").submodule_search_locations[0])


def listed(path: Path, entries: tuple[str, ...]) -> bool:
    """Return whether the test file or folder at ``path`` is in one of the entries of a list."""
    return any(path.is_relative_to(TESTS / entry) for entry in entries)


def start() -> None:
    """Start MongoDB, once, and let fiftyone be imported."""
    if _NoFiftyone.here not in sys.meta_path:
        return
    sys.meta_path.remove(_NoFiftyone.here)
    home = Path(os.environ["HOME"])
    port = int(os.environ["FIFTYONE_DATABASE_URI"].rpartition(":")[2])
    (home / "db").mkdir()
    command = [_PACKAGE / "db" / "bin" / "mongod", "--dbpath", home / "db", "--port", port,
               "--nounixsocket", "--bind_ip", "127.0.0.1", "--logpath",
               home / "mongod.log"]  # fmt: skip
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)

    def stop() -> None:
        process.terminate()
        process.wait(20)

    # Before fiftyone is imported: it then closes its connections first and exits at once.
    atexit.register(stop)
    for _ in range(1200):  # a minute: a busy machine takes long
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"mongod did not start: {(home / 'mongod.log').read_text()[-2000:]}")


class _NoFiftyone(importlib.abc.MetaPathFinder):
    """Refuse to import fiftyone."""

    here: _NoFiftyone

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "fiftyone":
            raise AssertionError(
                "this test imports fiftyone: let it use the fixture `database`, or list its file "
                "in NEEDS_DATABASE of tests/database.py"
            )


def prepare() -> None:
    """Reserve an address for MongoDB and refuse fiftyone until ``start`` is called."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        os.environ["FIFTYONE_DATABASE_URI"] = f"mongodb://127.0.0.1:{probe.getsockname()[1]}"
    _NoFiftyone.here = _NoFiftyone()
    sys.meta_path.insert(0, _NoFiftyone.here)
