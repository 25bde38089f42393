"""``bccurate train``."""

from typing import Any

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.progress import speaks
from bccurate.settings.training import TrainOptions, TrainSettings


@declare(
    "train",
    "bccurate train resnet50 --weights imagenet --epochs 20",
    TrainOptions,
    TrainSettings,
)
def command(as_json: bool, **options: Any) -> None:
    """Train a zoo model, then predict on all samples.

    MODEL is a name from `bccurate models` or timm:NAME. Predictions are the field MODEL.
    With several GPUs or machines: torchrun --nproc-per-node 4 -m bccurate train MODEL.
    """
    from bccurate import train

    record = train(**options)
    if speaks():
        echo(record, as_json)
