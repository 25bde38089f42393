"""The network: whether an address answers, within a second, and a file held to its checksum."""

from __future__ import annotations

import hashlib
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bccurate.errors import InputError
from bccurate.files import atomic_write
from bccurate.progress import say, track

SECONDS = 0.9  # to answer
STALLED = 30.0  # seconds without a byte, after which a download has failed
BLOCK = 1 << 20


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The first answer will do: following a hub to its storage would take the second up."""

    def redirect_request(self, *_: Any) -> None:
        return None


def answers(address: str) -> bool:
    """Whether ``address`` is offered, within a second; proxies of the environment are used.

    In a thread, because looking up a host name takes no time limit.
    """
    answered = threading.Event()

    def ask() -> None:
        request = urllib.request.Request(address, method="HEAD")
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            opener.open(request, timeout=SECONDS).close()
            answered.set()
        except urllib.error.HTTPError as error:
            if error.code < 400:  # a redirect to where the file lies
                answered.set()
        except (OSError, ValueError):
            pass

    threading.Thread(target=ask, daemon=True).start()
    return answered.wait(SECONDS)


def fetch(address: str, path: Path, md5: str) -> None:
    """Download ``address`` to ``path``, whole and of the published MD5, or not at all.

    Raises:
        InputError: the network does not offer it, breaks off, or gives another file; the hint
            says which file to bring and where to put it.
        NoSpaceError: the disk is full.
    """
    by_hand = f"bring {address} and put it at {path}"
    if not answers(address):
        raise InputError(
            f"{path.name} is not on this machine, and {urlsplit(address).netloc} does not offer it",
            by_hand,
        )
    say(f"fetching {address}")
    # The MD5 is what its authors published: it tells a broken file, and TLS tells a stranger.
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with urllib.request.urlopen(address, timeout=STALLED) as answer, atomic_write(path) as file:
            blocks = -(-int(answer.headers.get("Content-Length") or 0) // BLOCK)
            for block in track(iter(lambda: answer.read(BLOCK), b""), blocks, "fetching"):
                digest.update(block)
                file.write(block)
            if digest.hexdigest() != md5:
                raise InputError(f"{address} gave another file than its MD5 {md5} names", by_hand)
    except (OSError, ValueError) as error:
        raise InputError(f"Fetching {address} failed: {error}", by_hand) from error
