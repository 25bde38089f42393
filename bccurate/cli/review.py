"""``bccurate review``."""

import sys

import click

from bccurate.cli.options import dataset_option, declare, echo, view_option


@declare("review", "bccurate review --view mistakes_custom_cnn")
@dataset_option
@view_option
@click.option("--port", type=click.IntRange(1, 65535), default=5151, show_default=True)
@click.option(
    "--address",
    default="127.0.0.1",
    show_default=True,
    help="Listen on another address. The App has no login: whoever reaches it reads your files.",
)
@click.option("--no-browser", is_flag=True, help="Only serve; print the address.")
def command(
    dataset: str | None,
    view: str | None,
    port: int,
    address: str,
    no_browser: bool,
    as_json: bool,
) -> None:
    """Open the FiftyOne App on this machine.

    It listens on 127.0.0.1 only, in a container too, and has our plugins linked. Ctrl-C ends it.
    """
    from bccurate import review

    out = sys.stdout  # ours alone: what FiftyOne prints goes to standard error
    review(
        dataset,
        view,
        port,
        browser=not no_browser,
        started=lambda record: echo(record, as_json, out),
        address=address,
    )
