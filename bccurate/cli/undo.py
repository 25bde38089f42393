"""``bccurate undo``."""

from typing import Any

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.settings.data import UndoOptions


@declare("undo", "bccurate undo dedupe", UndoOptions)
def command(as_json: bool, **options: Any) -> None:
    """Take back what a run wrote: fields, tags, views and files.

    RUN is a name that `bccurate info` lists. Imported samples always stay.
    """
    from bccurate import undo

    echo(undo(**options), as_json)
