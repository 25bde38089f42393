"""``bccurate info``."""

from bccurate.cli.options import dataset_option, declare, echo


@declare("info", "bccurate info -d cells")
@dataset_option
def command(dataset: str | None, as_json: bool) -> None:
    """Show the class table, the views and what was run."""
    from bccurate import info

    echo(info(dataset), as_json)
