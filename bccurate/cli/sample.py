"""``bccurate sample``."""

from typing import Any

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.settings.data import SampleOptions


@declare("sample", "bccurate sample cells --n 800", SampleOptions)
def command(as_json: bool, **options: Any) -> None:
    """Render blood cells with planted duplicates, outliers and wrong labels.

    FOLDER gets images by class, exact cell masks, and truth.json, which tells what was planted.
    """
    from bccurate import sample

    echo(sample(**options), as_json)
