"""``bccurate export``."""

from typing import Any

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.settings.data import ExportOptions


@declare("export", "bccurate export cells-out --format coco --view clean", ExportOptions)
def command(as_json: bool, **options: Any) -> None:
    """Write samples out with their labels, splits, tags and checksums.

    OUT is a folder, or a file .npz. Importing it gives the samples back. Files are copied byte for
    byte, all or none, and nothing that is there is written over.
    """
    from bccurate import export

    echo(export(**options), as_json)
