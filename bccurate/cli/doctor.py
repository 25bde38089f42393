"""``bccurate doctor``."""

import sys

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.settings.data import NoOptions


@declare("doctor", "bccurate doctor", NoOptions)
def command(as_json: bool) -> None:
    """Find what is missing and say how to mend it.

    Exit 5 where the database is missing; nothing works without it.
    """
    from bccurate import doctor

    record = doctor()
    echo(record, as_json)
    if not next(check["ok"] for check in record.checks if check["name"] == "database"):
        sys.exit(5)
