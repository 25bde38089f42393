"""``bccurate evaluate``."""

import click

from bccurate.cli.options import dataset_option, declare, echo, zoo_option


@declare("evaluate", "bccurate evaluate custom_cnn")
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@dataset_option
@zoo_option
def command(models: tuple[str, ...], dataset: str | None, zoo: str | None, as_json: bool) -> None:
    """Accuracy, macro F1, confusion and calibration per split.

    Over clean samples; the numbers for FiftyOne's own evaluation panel are stored as eval_MODEL.
    Several models, or all with predictions where none is named, stand side by side, each tested
    against the best single one (McNemar).
    """
    from bccurate import compare, evaluate

    one = len(models) == 1
    echo(evaluate(models[0], dataset, zoo) if one else compare(models, dataset, zoo), as_json)
