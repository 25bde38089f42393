"""A MongoDB of the tests' own, started for the first test module that needs it.

FiftyOne connects when it is imported, so a test module that uses the hub, imports fiftyone or runs
a command that does must be listed in ``NEEDS_DATABASE``. Until MongoDB is started, importing
fiftyone fails with a message that says so.
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
# Folders and files below tests/ that need MongoDB; `make test-fast` leaves them out.
NEEDS_DATABASE = (
    "app", "bench", "commands", "compat", "hub", "reliability", "walks",
)  # fmt: skip
_PACKAGE = Path(importlib.util.find_spec("fiftyone").submodule_search_locations[0])


def needs_database(path: Path) -> bool:
    """Return whether the test file or folder at ``path`` is listed in ``NEEDS_DATABASE``."""
    return any(path.is_relative_to(TESTS / listed) for listed in NEEDS_DATABASE)


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
                "this test imports fiftyone: list its folder or file in NEEDS_DATABASE of "
                "tests/database.py"
            )


def prepare() -> None:
    """Reserve an address for MongoDB and refuse fiftyone until ``start`` is called."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        os.environ["FIFTYONE_DATABASE_URI"] = f"mongodb://127.0.0.1:{probe.getsockname()[1]}"
    _NoFiftyone.here = _NoFiftyone()
    sys.meta_path.insert(0, _NoFiftyone.here)
