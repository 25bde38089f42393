"""Serves the FiftyOne App, on this machine only where nothing else was asked for."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any
from urllib.parse import quote

from bccurate.errors import HubError
from bccurate.hub.open import database_errors, fiftyone_environment, load_fiftyone
from bccurate.progress import say

ADDRESS = "127.0.0.1"  # the App has no login and its media route serves any file of the user


@contextmanager
def served(
    dataset: Any, port: int, view: str | None = None, address: str = ADDRESS
) -> Iterator[tuple[str, Any]]:
    """Serve a dataset; yields the address to open and FiftyOne's session, closed at the end.

    The address is always told to FiftyOne, which would take 0.0.0.0 in a container. Any but one of
    this machine alone is warned of.

    Raises:
        HubError: the port is taken, the address is none of this machine, or the App does not start.
    """
    _require_free(address, port)
    if not _is_local(address):
        say(
            f"warning: the App has no login. Who reaches {address}:{port} can change this dataset "
            "and read every file that you can read."
        )
    # Without it the App offers no scheduling to who runs `fiftyone delegated launch` here.
    os.environ.setdefault("FIFTYONE_ALLOW_LEGACY_ORCHESTRATORS", "true")
    # FiftyOne's client prints on standard output while a slow server comes up, and later on.
    with database_errors(), fiftyone_environment(), redirect_stdout(sys.stderr):
        session = load_fiftyone().launch_app(
            dataset,
            color_scheme=_colours(dataset),
            address=address,
            port=port,
            remote=True,
            auto=False,
        )
        try:
            url = f"http://{address}:{port}/datasets/{quote(dataset.slug)}"
            if view:
                url += f"?view={quote(load_fiftyone().core.utils.to_slug(view))}"
            yield url, session
        finally:
            session.close()


def _colours(dataset: Any) -> Any:
    """Jet for heatmaps, as papers print Grad-CAM, and one colour a class, so that a wrong
    prediction stands out; None where the dataset has a scheme of its own."""
    if dataset.app_config.color_scheme is not None:
        return None
    fiftyone = load_fiftyone()
    return fiftyone.ColorScheme(
        color_by="value",
        color_pool=fiftyone.app_config.color_pool,
        opacity=0.5,
        default_colorscale={"name": "jet"},
    )


def _is_local(address: str) -> bool:
    """Whether only this machine reaches an address; a name may mean any."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _require_free(address: str, port: int) -> None:
    """FiftyOne would silently show an older server's data on a port that is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address or "none", port))  # "" would be all addresses
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise HubError(
                    f"{address} is no IPv4 address of this machine.", f"--address {ADDRESS}"
                ) from error
            raise HubError(
                f"Port {port} is taken.",
                f"bccurate review --port {port + 1 if port < 65535 else 5151}",
            ) from error
