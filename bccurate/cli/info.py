"""``bccurate info``."""

from typing import Any

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.settings.data import DatasetOptions


@declare("info", "bccurate info -d cells", DatasetOptions)
def command(as_json: bool, **options: Any) -> None:
    """Show the class table, the views and what was run."""
    from bccurate import info

    echo(info(**options), as_json)
