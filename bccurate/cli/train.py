"""``bccurate train``."""

import click

from bccurate.cli.options import (
    dataset_option,
    declare,
    device_option,
    echo,
    model_argument,
    zoo_option,
)
from bccurate.progress import speaks


@declare("train", "bccurate train resnet50 --weights imagenet --epochs 20")
@model_argument
@dataset_option
@click.option(
    "--view",
    "views",
    metavar="NAME",
    multiple=True,
    help="Train on these saved views (their train samples); default `clean`.",
)
@click.option(
    "--recipe",
    type=click.Choice(["paper", "robust"]),
    help="Settings that belong together; options beside it win. robust: for images of other labs.",
)
@click.option("--epochs", type=click.IntRange(1, 10_000), help="Default 20; 60 for the stacker.")
@click.option("--batch-size", type=click.IntRange(2, 65536), help="Default 32.")
@click.option("--lr", type=float, help="Adam's learning rate; default 0.001.")
@click.option(
    "--image-size", type=click.IntRange(32, 1024), help="Pixels; default the model's own."
)
@click.option(
    "--augment",
    type=click.Choice(["none", "dihedral", "randaugment", "augmix", "paper", "smear"]),
    help="On the fly; default dihedral: rotations by 90 degrees and flips.",
)
@click.option(
    "--ramp",
    type=click.FloatRange(0, 1),
    help="Let augmentation come in over this share of the training; default 0: all at once.",
)
@click.option(
    "--repeats", type=click.IntRange(1, 64), help="Variants of each image in a batch; default 1."
)
@click.option(
    "--redraw/--no-redraw",
    default=None,
    help="Draw an image's variants anew in every epoch, or once for all; default anew.",
)
@click.option(
    "--standardise/--no-standardise",
    default=None,
    help="Feed each image by its own mean and deviation; default by those of the model.",
)
@click.option("--weights", help="imagenet, none or a FILE; default none.")
@click.option(
    "--head-epochs",
    type=click.IntRange(0),
    help="First train the head alone, then all from a tenth of the learning rate; default 0.",
)
@click.option(
    "--balance",
    type=click.Choice(["none", "weights", "sampling"]),
    help="Let classes count alike, in the loss or in the draw; default none.",
)
@click.option("--label-smoothing", type=click.FloatRange(0, 1, max_open=True), help="Default 0.")
@click.option("--mix", type=click.Choice(["none", "mixup", "cutmix"]), help="Default none.")
@click.option(
    "--ema",
    type=click.FloatRange(0, 1, max_open=True),
    help="Decay of a moving average of the weights, such as 0.999; default 0: none.",
)
@click.option(
    "--consistency",
    type=click.FloatRange(0),
    help="Weight of AugMix's Jensen-Shannon loss; the paper's is 12; default 0.",
)
@click.option(
    "--patience",
    type=click.IntRange(0),
    help="Stop after so many epochs without a better validation macro F1; default 0: never.",
)
@click.option("--precision", type=click.Choice(["auto", "float32", "bfloat16"]))
@click.option("--compile/--no-compile", default=None, help="torch.compile; pays on a GPU.")
@click.option(
    "--base",
    "bases",
    metavar="A,B,C",
    callback=lambda _ctx, _param, value: [name for name in (value or "").split(",") if name],
    help="Of the stacker: the models that it joins; default the three best on val.",
)
@click.option(
    "--folds", type=click.IntRange(2), default=5, show_default=True, help="Of the stacker."
)
@click.option(
    "--log",
    type=click.Choice(["auto", "none", "tensorboard", "wandb"]),
    default="auto",
    show_default=True,
    help="Where its curves go; auto is TensorBoard where it is installed.",
)
@zoo_option
@device_option
@click.option("--seed", type=click.IntRange(0), help="Default 51.")
@click.option(
    "--resume/--restart",
    default=None,
    help="Insist on the last checkpoint, or begin anew; else it is taken up where it fits.",
)
def command(as_json: bool, views: tuple[str, ...], **options: object) -> None:
    """Train a zoo model, then predict on all samples.

    MODEL is a name from `bccurate models` or timm:NAME. Predictions are the field MODEL.
    With several GPUs or machines: torchrun --nproc-per-node 4 -m bccurate train MODEL.
    """
    from bccurate import train

    record = train(views=views, **options)
    if speaks():
        echo(record, as_json)
