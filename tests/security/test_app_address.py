"""The App, which serves any file of the user, listens on this machine only."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from PIL import Image

import bccurate
from bccurate.errors import HubError
from bccurate.hub.open import load_fiftyone


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def cells(name: str, tmp_path: Path) -> str:
    """A dataset of one image."""
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    bccurate.import_(tmp_path, name=name)
    return name


def _listening(process: psutil.Process, port: int) -> set[str]:
    return {
        connection.laddr.ip
        for each in [process, *process.children(recursive=True)]
        for connection in each.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    }


# Runs in a process of its own, because FiftyOne's session leaves threads behind.
IN_A_CONTAINER = """
from bccurate.hub.open import load_fiftyone
load_fiftyone()
import sys
import fiftyone.core.utils
out = sys.stdout  # review redirects it to standard error while it serves
fiftyone.core.utils.is_container = lambda: True
import bccurate
show = lambda record: print(record.url, file=out, flush=True)
bccurate.review({name!r}, port={port}, browser=False, started=show)
"""


def test_the_app_listens_on_this_machine_only_even_in_a_container(cells: str) -> None:
    """FiftyOne's own default in a container is 0.0.0.0; media has the same port."""
    port = _free_port()
    code = IN_A_CONTAINER.format(name=cells, port=port)
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        url = process.stdout.readline()
        assert url.startswith(f"http://127.0.0.1:{port}/"), process.stderr.read()
        assert _listening(psutil.Process(process.pid), port) == {"127.0.0.1"}
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.fixture
def launches(monkeypatch) -> list[dict]:
    """The options with which FiftyOne's App would be launched; nothing is launched."""
    calls: list[dict] = []

    def launch_app(dataset: object, **options: object) -> SimpleNamespace:
        calls.append(options)
        return SimpleNamespace(close=lambda: None, wait=lambda _: None)

    monkeypatch.setattr(load_fiftyone(), "launch_app", launch_app)
    return calls


def test_another_address_needs_an_option_and_warns_once(cells, launches, cli, monkeypatch) -> None:
    """The environment cannot change the address; ``--address`` does, with a warning."""
    monkeypatch.setenv("FIFTYONE_DEFAULT_APP_ADDRESS", "0.0.0.0")
    port = str(_free_port())
    plain = cli("review", "-d", cells, "--no-browser", "--port", port)
    assert (plain.code, plain.err.count("warning")) == (0, 0)
    wide = cli("review", "-d", cells, "--no-browser", "--port", port, "--address", "0.0.0.0")
    assert wide.code == 0 and wide.err.count("warning") == 1
    assert "no login" in wide.err and "0.0.0.0" in wide.err
    assert [call["address"] for call in launches] == ["127.0.0.1", "0.0.0.0"]


@pytest.mark.parametrize("address", ["203.0.113.7", "no such host.invalid", "::1", ""])
def test_an_address_of_another_machine_is_an_error(cells, launches, address) -> None:
    """Nothing is served; the error names an address that always works."""
    with pytest.raises(HubError) as error:
        bccurate.review(cells, port=_free_port(), browser=False, address=address)
    assert "--address 127.0.0.1" in error.value.hint and launches == []
