"""One small dataset that has been through the whole job, and the plugins linked."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from urllib.request import urlopen

import pytest

MODEL = "custom_cnn"


@pytest.fixture
def linked() -> Path:
    """FiftyOne's plugin folder, of the tests' own home, with our plugins in it."""
    from bccurate.app.link import link
    from bccurate.hub.open import plugins_folder

    link()
    return Path(plugins_folder())


@pytest.fixture(scope="session")
def reviewed(rendered: Path) -> Iterator[SimpleNamespace]:
    """A dataset with duplicates, outliers, splits, predictions and heatmaps of ``MODEL``."""
    import fiftyone as fo

    import bccurate

    name = f"t-app-{os.getpid()}"
    bccurate.import_(rendered, name=name)
    bccurate.dedupe(name)
    bccurate.outliers(name)
    bccurate.split(name)
    bccurate.train(MODEL, name, epochs=1, image_size=64, device="cpu")
    bccurate.evaluate(MODEL, name)
    bccurate.mistakes(MODEL, name)
    bccurate.explain(MODEL, name, view="test", device="cpu")
    yield SimpleNamespace(name=name, model=MODEL, dataset=fo.load_dataset(name))
    fo.delete_dataset(name)


@pytest.fixture(scope="session")
def start_app() -> Callable[..., AbstractContextManager[SimpleNamespace]]:
    """Starts an App of a test's own."""
    return app


@contextmanager
def app(name: str, *options: str) -> Iterator[SimpleNamespace]:
    """The real command ``bccurate review`` in a process of its own, up and answering."""
    port = free_port()
    command = [sys.executable, "-m", "bccurate", "review", "-d", name, "--no-browser"]
    process = subprocess.Popen(
        [*command, "--port", str(port), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _wait_for_app(process, port)
        yield SimpleNamespace(port=port, process=process, url=f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for_app(process: subprocess.Popen, port: int) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"bccurate review ended: {process.stderr.read()}")
        try:
            with urlopen(f"http://127.0.0.1:{port}/fiftyone", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("bccurate review did not answer within 180 s")


@pytest.fixture(scope="session")
def open_app(reviewed: SimpleNamespace) -> Iterator[SimpleNamespace]:
    """The App on the reviewed dataset. Its pages share its state: a test closes what it opens."""
    with app(reviewed.name) as opened:
        yield opened
