"""A home folder that is deleted afterwards, a database where it is needed, and shared fixtures."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bccurate.cli.group import THREADS_SLEEP
from tests import database

ROOT = Path(__file__).resolve().parent.parent
REAL_DATA = ROOT.parent / "shared" / "data" / "pbc96.tar"

_HOME = Path(tempfile.mkdtemp(prefix="bccurate-tests-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
os.environ["HOME"] = str(_HOME)
os.environ["BCCURATE_HOME"] = str(_HOME / "bccurate")
os.environ.pop("BCCURATE_DATASET", None)
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ |= THREADS_SLEEP  # as the command line does it; before torch and numpy are imported
database.prepare()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--fast``."""
    parser.addoption("--fast", action="store_true", help="quick tests without MongoDB")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With ``--fast``, leave out the listed files."""
    lists = database.NEEDS_DATABASE + database.TAKES_LONG
    return True if config.getoption("fast") and database.listed(collection_path, lists) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With ``--fast``, leave out tests that use the fixture ``database`` or are marked."""
    if config.getoption("fast"):
        items[:] = [
            item
            for item in items
            if "database" not in getattr(item, "fixturenames", ())
            and not {"slow", "gpu", "browser"} & {mark.name for mark in item.iter_markers()}
        ]


def pytest_pycollect_makemodule(module_path: Path) -> None:
    """Start MongoDB before the first module that needs it is imported."""
    if database.listed(module_path, database.NEEDS_DATABASE):
        database.start()


@dataclass(frozen=True)
class Outcome:
    """The exit code of a command and what it printed."""

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


@pytest.fixture(scope="session", name="database")
def _database() -> None:
    """MongoDB, started."""
    database.start()


@pytest.fixture
def name(request, database) -> Iterator[str]:
    """The name of a dataset for this test; the dataset is deleted afterwards."""
    from bccurate.hub.open import load_fiftyone

    fo = load_fiftyone()  # not a bare import, which would log to a stream that pytest closes
    name = f"t-{request.node.name[:40]}-{os.getpid()}"
    yield name
    if fo.dataset_exists(name):
        fo.delete_dataset(name)


@pytest.fixture(scope="session")
def real_data() -> Path:
    if not REAL_DATA.exists():
        pytest.skip("the real cells (pbc96.tar) are not beside this checkout")
    return REAL_DATA
