"""``bccurate models``."""

from bccurate.cli.options import declare, echo


@declare("models", "bccurate models --json")
def command(as_json: bool) -> None:
    """List the zoo."""
    from bccurate import models

    echo(models(), as_json)
