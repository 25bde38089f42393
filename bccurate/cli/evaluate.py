"""``bccurate evaluate``."""

import click

from bccurate.cli.global_options import complete_models
from bccurate.cli.options import dataset_option, declare, echo, view_option, zoo_option


class Severities(click.ParamType):
    """``1,3,5`` to a tuple of numbers from 1 to 5."""

    name = "severities"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """The sorted numbers, each once; anything else is a usage error."""
        if isinstance(value, tuple):
            return value
        words = [word.strip() for word in str(value).split(",")]
        if not all(word in ("1", "2", "3", "4", "5") for word in words):
            self.fail(f"{value!r} is not a list of severities from 1 to 5, as 1,3,5", param, ctx)
        return tuple(sorted({int(word) for word in words}))


@declare("evaluate", "bccurate evaluate custom_cnn --corruptions --severities 1,3,5 --limit 25")
@click.argument("models", metavar="[MODEL]...", nargs=-1, shell_complete=complete_models)
@dataset_option
@click.option(
    "--corruptions", is_flag=True, help="Also on corrupted copies of the test samples; one MODEL."
)
@click.option(
    "--severities",
    type=Severities(),
    default="1,2,3,4,5",
    show_default=True,
    help="Of the corruptions.",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    metavar="N",
    help="Corrupt at most N samples of a class; default all.",
)
@view_option
@zoo_option
def command(
    models: tuple[str, ...],
    dataset: str | None,
    corruptions: bool,
    severities: tuple[int, ...],
    limit: int | None,
    view: str | None,
    zoo: str | None,
    as_json: bool,
) -> None:
    """Accuracy, macro F1, confusion and calibration per split.

    Over clean samples; the numbers for FiftyOne's own evaluation panel are stored as eval_MODEL.
    Several models, or all with predictions where none is named, stand side by side, each tested
    against the best single one (McNemar). --corruptions adds noise, blur, other light and colours,
    turns, stains and compression, and tells the accuracy that is left.
    """
    from bccurate import compare, evaluate

    if len(models) == 1:
        echo(evaluate(models[0], dataset, zoo, corruptions, severities, limit, view), as_json)
        return
    if corruptions or view:
        raise click.UsageError("--corruptions and --view measure one model: name it.")
    echo(compare(models, dataset, zoo), as_json)
