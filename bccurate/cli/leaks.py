"""``bccurate leaks``."""

from typing import Any

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.settings.curation import LeaksOptions


@declare("leaks", "bccurate leaks --group patient --fail-on-found", LeaksOptions)
def command(as_json: bool, fail_on_found: bool, **options: Any) -> None:
    """Tag duplicates and groups that stand in more than one split.

    For splits that were made elsewhere; those of `bccurate split` have none. The view `leaks` is
    saved.
    """
    from bccurate import leaks
    from bccurate.errors import FindingsError

    record = leaks(**options)
    echo(record, as_json)
    if fail_on_found and record.leaks:
        raise FindingsError(
            f"{len(record.leaks)} groups cross splits.", f"bccurate split -d {record.dataset}"
        )
