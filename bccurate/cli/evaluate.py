"""``bccurate evaluate``."""

import click

from bccurate.cli.options import dataset_option, declare, echo, zoo_option


@declare("evaluate", "bccurate evaluate custom_cnn")
@click.argument("model")
@dataset_option
@zoo_option
def command(model: str, dataset: str | None, zoo: str | None, as_json: bool) -> None:
    """Accuracy, macro F1, confusion and calibration per split.

    Over clean samples; the numbers for FiftyOne's own evaluation panel are stored as eval_MODEL.
    """
    from bccurate import evaluate

    echo(evaluate(model, dataset, zoo), as_json)
