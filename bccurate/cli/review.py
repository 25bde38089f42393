"""``bccurate review``."""

import sys
from typing import Any

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.settings.data import ReviewOptions


@declare("review", "bccurate review --view mistakes_custom_cnn", ReviewOptions)
def command(as_json: bool, **options: Any) -> None:
    """Open the FiftyOne App on this machine.

    It listens on 127.0.0.1 only, in a container too, and has our plugins linked. Ctrl-C ends it.
    """
    from bccurate import review

    out = sys.stdout  # for the record alone: FiftyOne's output goes to standard error
    review(started=lambda record: echo(record, as_json, out), **options)
