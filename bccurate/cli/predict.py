"""``bccurate predict``."""

from typing import Any

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.settings.models import PredictOptions


@declare("predict", "bccurate predict custom_cnn", PredictOptions)
def command(as_json: bool, **options: Any) -> None:
    """Write a trained model's predictions on all samples."""
    from bccurate import predict

    echo(predict(**options), as_json)
