"""``bccurate train``."""

import click

from bccurate.cli.options import dataset_option, declare, device_option, echo, zoo_option


@declare("train", "bccurate train resnet50 --weights imagenet --epochs 20")
@click.argument("model")
@dataset_option
@click.option(
    "--view",
    "views",
    metavar="NAME",
    multiple=True,
    help="Train on these saved views (their train samples); default `clean`.",
)
@click.option("--epochs", type=click.IntRange(1, 10_000), default=20, show_default=True)
@click.option("--batch-size", type=click.IntRange(2, 65536), default=32, show_default=True)
@click.option("--lr", type=float, default=1e-3, show_default=True)
@click.option(
    "--image-size", type=click.IntRange(32, 1024), help="Pixels; default the model's own."
)
@click.option(
    "--augment",
    type=click.Choice(["none", "dihedral", "randaugment", "augmix", "smear"]),
    default="dihedral",
    show_default=True,
    help="On the fly; dihedral is rotations by 90 degrees and flips.",
)
@click.option("--weights", default="none", show_default=True, help="imagenet, none or a FILE.")
@zoo_option
@device_option
@click.option("--seed", type=click.IntRange(0), default=51, show_default=True)
@click.option(
    "--resume/--restart",
    default=None,
    help="Insist on the last checkpoint, or begin anew; else it is taken up where it fits.",
)
def command(as_json: bool, views: tuple[str, ...], **options: object) -> None:
    """Train a zoo model, then predict on all samples.

    MODEL is a name from `bccurate models` or timm:NAME. Predictions are the field MODEL.
    """
    from bccurate import train

    echo(train(views=views, **options), as_json)
