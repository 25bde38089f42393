"""``bccurate background``."""

from typing import Any

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.settings.curation import BackgroundOptions


@declare("background", "bccurate background --method threshold", BackgroundOptions)
def command(as_json: bool, **options: Any) -> None:
    """Write masks of the cells, and training pictures without background.

    Masks are the field cell_mask; the pictures are variants in the view background_removed.
    """
    from bccurate import background

    echo(background(**options), as_json)
