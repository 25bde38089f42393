"""``bccurate export``."""

import click

from bccurate.cli.options import dataset_option, declare, echo, view_option


@declare("export", "bccurate export cells-out --format coco --view clean")
@click.argument("out", type=click.Path())
@dataset_option
@click.option(
    "--format",
    "kind",
    type=click.Choice(["imagefolder", "csv", "coco", "npz", "huggingface"]),
    help="Default imagefolder; npz where OUT ends in .npz.",
)
@view_option
@click.option("--size", type=click.IntRange(1), help="Of an npz: scale images to this side.")
def command(
    out: str, dataset: str | None, kind: str | None, view: str | None, size: int | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Write samples out with their labels, splits, tags and checksums.

    OUT is a folder, or a file .npz. Importing it gives the samples back. Files are copied byte for
    byte, all or none, and nothing that is there is written over.
    """
    from bccurate import export

    kind = kind or ("npz" if out.lower().endswith(".npz") else "imagefolder")
    echo(export(out, dataset, kind, view, size), as_json)
