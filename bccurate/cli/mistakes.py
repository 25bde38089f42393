"""``bccurate mistakes``."""

from typing import Any

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.settings.models import MistakesOptions


@declare("mistakes", "bccurate mistakes custom_cnn --folds 5", MistakesOptions)
def command(as_json: bool, **options: Any) -> None:
    """Rank wrong, confident-wrong and likely mislabelled samples.

    Writes the field `mistakenness` (0 to 1) and saves the view mistakes_MODEL. With --folds the
    probabilities are out of fold, in the field out_of_fold_MODEL; without it those that are there,
    else the model's own.
    """
    from bccurate import mistakes

    echo(mistakes(**options), as_json)
