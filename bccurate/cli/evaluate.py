"""``bccurate evaluate``."""

from typing import Any

import click

from bccurate.cli.declare import declare
from bccurate.cli.global_options import complete_models
from bccurate.cli.output import echo
from bccurate.settings.models import EvaluateOptions


@declare(
    "evaluate",
    "bccurate evaluate custom_cnn --corruptions --severities 1,3,5 --limit 25",
    EvaluateOptions,
)
def command(as_json: bool, models: tuple[str, ...], **options: Any) -> None:
    """Accuracy, macro F1, confusion and calibration per split.

    Over clean samples; the numbers for FiftyOne's own evaluation panel are stored as eval_MODEL.
    Several models, or all with predictions where none is named, stand side by side, each tested
    against the best single one (McNemar). --corruptions adds noise, blur, other light and colours,
    turns, stains and compression, and tells the accuracy that is left.
    """
    from bccurate import compare, evaluate

    if len(models) == 1:
        echo(evaluate(models[0], **options), as_json)
        return
    if options["corruptions"] or options["view"]:
        raise click.UsageError("--corruptions and --view measure one model: name it.")
    echo(compare(models, options["dataset"], options["zoo"]), as_json)


# One model is evaluated, several are compared: the argument is a list here alone.
command.params[0] = click.Argument(
    ["models"], metavar="[MODEL]...", nargs=-1, shell_complete=complete_models
)
