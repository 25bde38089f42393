"""``bccurate use``."""

import click

from bccurate.cli.options import declare, echo


@declare("use", "bccurate use cells")
@click.argument("name")
def command(name: str, as_json: bool) -> None:
    """Choose the dataset that commands take where none is named."""
    from bccurate import use

    echo(use(name), as_json)
