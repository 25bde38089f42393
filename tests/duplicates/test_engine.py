"""Engines are selected by name; one that is missing ends the command with a next step."""

from __future__ import annotations

import socket
import sys

import pytest

from bccurate.duplicates import ray_engine
from bccurate.duplicates.engine import LOCAL
from bccurate.duplicates.select_engine import connected
from bccurate.errors import UsageError


def test_local_is_returned_as_it_is() -> None:
    """No connection is made."""
    with connected("local") as engine:
        assert engine is LOCAL


def test_an_unknown_engine_is_a_usage_error() -> None:
    """Both engines are named."""
    with pytest.raises(UsageError, match=r"'spark'(.|\n)*local, ray"):
        connected("spark")


def test_without_ray_the_command_says_what_to_install(cli, monkeypatch) -> None:
    """Exit 2 and the line for pip, before a dataset is opened."""
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    outcome = cli("dedupe", "-d", "none", "--engine", "ray", "--json")
    assert (outcome.code, outcome.out) == (2, "")
    assert 'try: pip install "bccurate[ray]"' in outcome.err


@pytest.mark.parametrize("address", ["local", "ray://10.0.0.1:10001"])
def test_no_cluster_is_started_and_no_other_joined(address, monkeypatch) -> None:
    """``local``, by option or RAY_ADDRESS, would start a cluster: refused, as Ray's client is."""
    with pytest.raises(UsageError, match="never starts one"):
        ray_engine._join(None, address)
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(UsageError, match="never starts one"):
        ray_engine._join(None, "auto")


def test_where_nothing_listens_the_next_command_is_named() -> None:
    """At once, not after Ray's own minute of trying."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))  # bound, not listening: no other process takes it meanwhile
        address = f"127.0.0.1:{probe.getsockname()[1]}"
        with pytest.raises(UsageError, match=f"answers at {address}.\n  try: ray start --head"):
            ray_engine._join(None, address)
    with pytest.raises(UsageError, match="ray start --head"):
        ray_engine._join(None, "no-port")
