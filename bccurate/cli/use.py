"""``bccurate use``."""

import click

from bccurate.cli.options import declare, echo


@declare("use", "bccurate use cells")
@click.argument("name")
@click.option(
    "--label-field",
    metavar="FIELD",
    help="Its Classification field that holds the labels, for all commands; kept with the "
    "dataset. Default ground_truth, or the only one there is.",
)
def command(name: str, label_field: str | None, as_json: bool) -> None:
    """Choose the dataset that commands take where none is named.

    NAME is any FiftyOne dataset of images, made by `bccurate import` or elsewhere.
    """
    from bccurate import use

    echo(use(name, label_field), as_json)
