"""``bccurate review``: the FiftyOne App on a dataset, with our plugins linked."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable

from bccurate.app.launch import served
from bccurate.app.link import installed, link, share_zoo
from bccurate.hub.open import opened
from bccurate.hub.views import chosen
from bccurate.records import ReviewRecord
from bccurate.settings.data import ReviewOptions
from bccurate.settings.in_use import dataset_in_use


def review(
    dataset: str | None = None,
    view: str | None = None,
    port: int = ReviewOptions.port,
    browser: bool = ReviewOptions.browser,
    started: Callable[[ReviewRecord], None] | None = None,
    address: str = ReviewOptions.address,
) -> ReviewRecord:
    """Serve the App, on 127.0.0.1 only, until the process is interrupted.

    Args:
        dataset: name; the one in use where None.
        view: a saved view to open.
        port: of this machine.
        browser: open a browser window too.
        started: called with the record once the App answers.
        address: another address to listen on. The App has no login: a warning is printed.

    Raises:
        UsageError: an unknown dataset or view.
        HubError: the port is taken, the address is not of this machine, or the App does not start.
    """
    name = dataset_in_use(dataset)
    with opened(name) as hub:
        if view:
            chosen(hub, view)
        link()
        share_zoo()
        with served(hub, port, view, address) as (url, session):
            record = ReviewRecord(name, url, view, sorted(installed()))
            if started:
                started(record)
            if browser:
                webbrowser.open(url)
            session.wait(-1)
            return record
