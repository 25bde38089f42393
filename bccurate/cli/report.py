"""``bccurate report``."""

from typing import Any

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.settings.data import ReportOptions


@declare("report", "bccurate report --out report.html", ReportOptions)
def command(as_json: bool, **options: Any) -> None:
    """Write one HTML page of all that was found.

    The page holds its pictures, needs no network, and stays under 5 MB.
    """
    from bccurate import report

    echo(report(**options), as_json)
