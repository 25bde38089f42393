"""``bccurate split``."""

import click

from bccurate.cli.options import dataset_option, declare, echo


@declare("split", "bccurate split --val .15 --test .15")
@dataset_option
@click.option("--val", type=float, default=0.15, show_default=True, help="Share.")
@click.option("--test", type=float, default=0.15, show_default=True, help="Share.")
@click.option("--group", metavar="FIELD", help="A field (patient, slide) never parted either.")
@click.option(
    "--folds",
    type=click.IntRange(2, 100),
    metavar="K",
    help="Number the samples outside the test split by K folds, in the field `fold`.",
)
@click.option("--redo", is_flag=True, help="Draw all anew, those that have a split too.")
@click.option("--seed", type=click.IntRange(0), default=51, show_default=True)
def command(
    dataset: str | None,
    val: float,
    test: float,
    group: str | None,
    seed: int,
    redo: bool,
    folds: int | None,
    as_json: bool,
) -> None:
    """Tag train, val and test; duplicates are never parted.

    Every class keeps its share in every split and fold. Samples that have a split keep it. With
    --test 0 all samples get a fold.
    """
    from bccurate import split

    echo(split(dataset, val, test, group, seed, redo, folds), as_json)
