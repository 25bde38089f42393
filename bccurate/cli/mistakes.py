"""``bccurate mistakes``."""

from bccurate.cli.options import dataset_option, declare, echo, model_argument, zoo_option


@declare("mistakes", "bccurate mistakes custom_cnn")
@model_argument
@dataset_option
@zoo_option
def command(model: str, dataset: str | None, zoo: str | None, as_json: bool) -> None:
    """Rank wrong, confident-wrong and likely mislabelled samples.

    Writes the field `mistakenness` (0 to 1) and saves the view mistakes_MODEL.
    """
    from bccurate import mistakes

    echo(mistakes(model, dataset, zoo), as_json)
