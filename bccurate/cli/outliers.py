"""``bccurate outliers``."""

import click

from bccurate.cli.options import dataset_option, declare, echo, view_option, zoo_option


@declare("outliers", "bccurate outliers --statistic median-mad --plot outliers.html")
@dataset_option
@click.option("--alpha", type=float, default=3.0, show_default=True, help="Bound in spreads.")
@click.option(
    "--statistic",
    type=click.Choice(["mean-std", "median-mad"]),
    default="mean-std",
    show_default=True,
)
@click.option("--iterate", is_flag=True, help="Leave out what was found and look again.")
@click.option(
    "--false-alarms",
    type=float,
    default=1.0,
    show_default=True,
    help="How many images of a clean class may pass a bound by chance: widens the bounds of "
    "large classes. 0 keeps alpha.",
)
@click.option(
    "--embedding",
    metavar="MODEL",
    help="Tag as well what is far from its class in the features of a trained model.",
)
@click.option(
    "--plot", type=click.Path(dir_okay=False), help="Write the plot of each class (.html or .svg)."
)
@view_option
@zoo_option
def command(as_json: bool, **options: object) -> None:
    """Tag images whose intensity is far from their class.

    The paper's equations 1 and 2: the mean and the standard deviation of an image's grey values
    against those of its class. The views `outliers` and `clean` are saved. What `--embedding`
    finds gets the tag `outlier_embedding` and the view `outliers_embedding`, and stays in `clean`.
    """
    from bccurate import outliers

    echo(outliers(**options), as_json)
