"""``bccurate background``."""

import click

from bccurate.cli.options import dataset_option, declare, echo, view_option


@declare("background", "bccurate background --method threshold")
@dataset_option
@click.option(
    "--method",
    type=click.Choice(["stain", "threshold"]),
    default="stain",
    show_default=True,
    help="By colour, stain and shape; or the paper's grey, blur, threshold.",
)
@view_option
def command(dataset: str | None, method: str, view: str | None, as_json: bool) -> None:
    """Write masks of the cells, and training pictures without background.

    Masks are the field cell_mask; the pictures are variants in the view background_removed.
    """
    from bccurate import background

    echo(background(dataset, method, view), as_json)
