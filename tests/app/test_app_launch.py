"""``bccurate review`` serves this machine only, and says so when it cannot."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

import bccurate
from bccurate.errors import HubError, UsageError


def test_the_app_listens_on_this_machine_only(open_app: SimpleNamespace) -> None:
    """No process of ours listens on another address: the App has no login."""
    root = psutil.Process(open_app.process.pid)
    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for process in [root, *root.children(recursive=True)]
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert ("127.0.0.1", open_app.port) in listening
    assert {address for address, _ in listening} == {"127.0.0.1"}


def test_the_server_ends_with_its_command(start_app, reviewed: SimpleNamespace) -> None:
    """SIGTERM ends the command and the server behind it; the port is free again.

    A saved view stands in the address by its slug.
    """
    with start_app(reviewed.name, "--view", f"mistakes_{reviewed.model}", "--json") as app:
        url = json.loads(app.process.stdout.readline())["url"]
        assert url.endswith(f"?view=mistakes-{reviewed.model.replace('_', '-')}")
        app.process.terminate()
        app.process.wait(20)
        _, alive = psutil.wait_procs(_servers(app.port), timeout=10)
        assert alive == []
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", app.port)) != 0


def _servers(port: int) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if "main.py" in (cmdline := process.info["cmdline"] or []) and str(port) in cmdline
    ]


def test_a_taken_port_is_an_error(reviewed: SimpleNamespace) -> None:
    """FiftyOne would attach to whatever is there; we name a port to try."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(HubError, match=f"{port} is taken") as error:
            bccurate.review(reviewed.name, port=port, browser=False)
    assert error.value.exit_code == 5
    assert str(port + 1) in error.value.hint


def test_a_port_taken_on_all_addresses_is_an_error(reviewed: SimpleNamespace) -> None:
    """A server on 0.0.0.0 takes the port of 127.0.0.1 too."""
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        with pytest.raises(HubError, match="taken"):
            bccurate.review(reviewed.name, port=taken.getsockname()[1], browser=False)


def test_the_last_port_has_a_hint_too(reviewed: SimpleNamespace) -> None:
    """Above 65535 there is no port to name."""
    with socket.socket() as taken:
        try:
            taken.bind(("127.0.0.1", 65535))
        except OSError:
            pytest.skip("somebody has port 65535")
        taken.listen()
        with pytest.raises(HubError) as error:
            bccurate.review(reviewed.name, port=65535, browser=False)
    assert "65536" not in error.value.hint


def test_an_unknown_view_is_an_error(reviewed: SimpleNamespace) -> None:
    """Nothing is served; the nearest views are named."""
    with pytest.raises(UsageError, match="outliers"):
        bccurate.review(reviewed.name, view="outlier", browser=False)


def test_an_unknown_dataset_is_an_error() -> None:
    """The command ends with 2 and without a traceback."""
    command = [sys.executable, "-m", "bccurate", "review", "-d", "no-such-cells", "--no-browser"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "no-such-cells" in done.stderr and "Traceback" not in done.stderr
