"""``bccurate outliers``."""

import click

from bccurate.cli.options import dataset_option, declare, echo


@declare("outliers", "bccurate outliers --alpha 3 --statistic median-mad")
@dataset_option
@click.option("--alpha", type=float, default=3.0, show_default=True, help="Bound in spreads.")
@click.option(
    "--statistic",
    type=click.Choice(["mean-std", "median-mad"]),
    default="mean-std",
    show_default=True,
)
@click.option("--iterate", is_flag=True, help="Leave out what was found and look again.")
def command(
    dataset: str | None, alpha: float, statistic: str, iterate: bool, as_json: bool
) -> None:
    """Tag images whose intensity is far from their class.

    The paper's equations 1 and 2: the mean and the standard deviation of an image's grey values
    against those of its class. The views `outliers` and `clean` are saved.
    """
    from bccurate import outliers

    echo(outliers(dataset, alpha, statistic, iterate), as_json)
