"""``bccurate use``."""

from typing import Any

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.settings.data import UseOptions


@declare("use", "bccurate use cells", UseOptions)
def command(as_json: bool, **options: Any) -> None:
    """Choose the dataset that commands take where none is named.

    NAME is any FiftyOne dataset of images, made by `bccurate import` or elsewhere.
    """
    from bccurate import use

    echo(use(**options), as_json)
