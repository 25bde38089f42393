"""``bccurate import``."""

import click

from bccurate.cli.options import declare, echo


@declare("import", "bccurate import cells.tar --name cells")
@click.argument("path", type=click.Path())
@click.option("--name", help="Of the dataset; bloodmnist has one of its own.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["auto", "imagefolder", "csv", "npz", "coco", "huggingface"]),
    default="auto",
    show_default=True,
)
@click.option(
    "--size",
    type=click.Choice(["28", "64", "128", "224"]),
    default="28",
    show_default=True,
    help="Of bloodmnist, pixels.",
)
def command(path: str, name: str | None, kind: str, size: str, as_json: bool) -> None:
    """Import a folder, csv, npz, tar or zip as a dataset; only what is new.

    In a folder tree, a file's folder is its label. A csv has columns filepath and label. An npz
    holds images and labels, as MedMNIST's do. COCO and what Hugging Face's save_to_disk wrote are
    known by their files, and an export by its manifest. Files that do not decode are tagged
    `unreadable`. PATH bloodmnist is fetched, or taken from where its message says to put it.
    """
    from bccurate import import_

    echo(import_(path, name, kind, int(size)), as_json)
