"""``bccurate report``."""

import click

from bccurate.cli.options import dataset_option, declare, echo


@declare("report", "bccurate report --out report.html")
@dataset_option
@click.option(
    "--out", type=click.Path(dir_okay=False), default="bccurate-report.html", show_default=True
)
def command(dataset: str | None, out: str, as_json: bool) -> None:
    """Write one HTML page of all that was found.

    The page holds its pictures, needs no network, and stays under 5 MB.
    """
    from bccurate import report

    echo(report(dataset, out), as_json)
