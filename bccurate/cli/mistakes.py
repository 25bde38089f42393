"""``bccurate mistakes``."""

import click

from bccurate.cli.options import dataset_option, declare, echo


@declare("mistakes", "bccurate mistakes custom_cnn")
@click.argument("model")
@dataset_option
def command(model: str, dataset: str | None, as_json: bool) -> None:
    """Rank wrong, confident-wrong and likely mislabelled samples.

    Writes the field `mistakenness` (0 to 1) and saves the view mistakes_MODEL.
    """
    from bccurate import mistakes

    echo(mistakes(model, dataset), as_json)
