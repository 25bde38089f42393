"""``bccurate mistakes``."""

import click

from bccurate.cli.options import dataset_option, declare, echo, model_argument, zoo_option


@declare("mistakes", "bccurate mistakes custom_cnn --folds 5")
@model_argument
@dataset_option
@click.option(
    "--folds",
    type=click.IntRange(2),
    help="Judge each image by a model trained without it: so many trainings, kept for later calls.",
)
@click.option(
    "--method",
    type=click.Choice(["noise", "margin", "self-confidence", "brain"]),
    default="noise",
    show_default=True,
    help="A fitted noise model, confident learning's two scores, or FiftyOne Brain's.",
)
@zoo_option
def command(as_json: bool, **options: object) -> None:
    """Rank wrong, confident-wrong and likely mislabelled samples.

    Writes the field `mistakenness` (0 to 1) and saves the view mistakes_MODEL. With --folds the
    probabilities are out of fold, in the field out_of_fold_MODEL; without it those that are there,
    else the model's own.
    """
    from bccurate import mistakes

    echo(mistakes(**options), as_json)
