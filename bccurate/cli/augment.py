"""``bccurate augment``."""

from typing import Any

import click

from bccurate.cli.options import dataset_option, declare, echo


@declare("augment", "bccurate augment augmix --noise 0.05")
@click.argument("kind", type=click.Choice(["augmix", "randaugment"]))
@dataset_option
@click.option(
    "--noise",
    type=click.FloatRange(0, 1),
    default=0.2,
    show_default=True,
    help="Sigma of Gaussian noise as a share of the full range.",
)
@click.option("--copies", type=click.IntRange(1, 100), default=1, show_default=True)
@click.option(
    "--magnitude",
    type=click.FloatRange(0, 30),
    help="Strength of the operations: randaugment 0 to 30 [default: 9], augmix 0.1 to 10 "
    "[default: 3].",
)
@click.option("--seed", type=click.IntRange(0), default=51, show_default=True)
@click.option(
    "--fidelity/--no-fidelity",
    default=True,
    show_default=True,
    help="Measure how far the variants are from their sources.",
)
def command(as_json: bool, **options: Any) -> None:
    """Write variants of the training images as new samples.

    Variants know their source, carry the tag `train` only, and stand in the view KIND. Then a
    sample of them is measured against the sources, class by class.
    """
    from bccurate import augment

    echo(augment(**options), as_json)
