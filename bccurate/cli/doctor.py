"""``bccurate doctor``."""

import sys

from bccurate.cli.options import declare, echo


@declare("doctor", "bccurate doctor")
def command(as_json: bool) -> None:
    """Find what is missing and say how to mend it.

    Exit 5 where the database is missing; nothing works without it.
    """
    from bccurate import doctor

    record = doctor()
    echo(record, as_json)
    if not next(check["ok"] for check in record.checks if check["name"] == "database"):
        sys.exit(5)
