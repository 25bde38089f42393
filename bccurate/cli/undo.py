"""``bccurate undo``."""

import click

from bccurate.cli.options import dataset_option, declare, echo


@declare("undo", "bccurate undo dedupe")
@click.argument("run")
@dataset_option
def command(run: str, dataset: str | None, as_json: bool) -> None:
    """Take back what a run wrote: fields, tags, views and files.

    RUN is a name that `bccurate info` lists. Imported samples always stay.
    """
    from bccurate import undo

    echo(undo(run, dataset), as_json)
