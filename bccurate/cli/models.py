"""``bccurate models``."""

from bccurate.cli.options import declare, echo, zoo_option


@declare("models", "bccurate models --json")
@zoo_option
def command(zoo: str | None, as_json: bool) -> None:
    """List the zoo.

    Beside its models, timm:NAME is any model of timm.
    """
    from bccurate import models

    echo(models(zoo), as_json)
