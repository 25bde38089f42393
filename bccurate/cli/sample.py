"""``bccurate sample``."""

import click

from bccurate.cli.options import declare, echo


@declare("sample", "bccurate sample cells --n 800")
@click.argument("folder", type=click.Path(file_okay=False))
@click.option("--n", type=click.IntRange(16, 1_000_000), default=400, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=51, show_default=True)
@click.option("--size", type=click.IntRange(32, 512), default=96, show_default=True, help="Pixels.")
def command(folder: str, n: int, seed: int, size: int, as_json: bool) -> None:
    """Render blood cells with planted duplicates, outliers and wrong labels.

    FOLDER gets images by class, exact cell masks, and truth.json, which tells what was planted.
    """
    from bccurate import sample

    echo(sample(folder, n, seed, size), as_json)
