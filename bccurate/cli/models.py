"""``bccurate models``."""

from typing import Any

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.settings.data import ZooOptions


@declare("models", "bccurate models --json", ZooOptions)
def command(as_json: bool, **options: Any) -> None:
    """List the zoo.

    Beside its models, timm:NAME is any model of timm.
    """
    from bccurate import models

    echo(models(**options), as_json)
