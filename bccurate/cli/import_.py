"""``bccurate import``."""

import click

from bccurate.cli.options import declare, echo


@declare("import", "bccurate import cells.tar --name cells")
@click.argument("path", type=click.Path())
@click.option("--name", required=True, help="Of the dataset.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["auto", "imagefolder", "csv", "npz"]),
    default="auto",
    show_default=True,
)
def command(path: str, name: str, kind: str, as_json: bool) -> None:
    """Import a folder, csv, npz, tar or zip as a dataset; only what is new.

    In a folder tree, a file's folder is its label. A csv has columns filepath and label. An npz
    holds images and labels. Files that do not decode are tagged `unreadable`.
    """
    from bccurate import import_

    echo(import_(path, name, kind), as_json)
