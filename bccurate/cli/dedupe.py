"""``bccurate dedupe``."""

import click

from bccurate.cli.options import dataset_option, declare, echo, view_option


@declare("dedupe", "bccurate dedupe --threshold 4 --keep sharpest")
@dataset_option
@click.option(
    "--method",
    type=click.Choice(["phash", "dhash", "ahash", "whash"]),
    default="phash",
    show_default=True,
)
@click.option(
    "--threshold",
    type=click.IntRange(0, 14),
    default=4,
    show_default=True,
    help="Differing bits of 64 that still make a candidate; pixels confirm it.",
)
@click.option(
    "--keep",
    type=click.Choice(["first", "largest", "sharpest"]),
    default="first",
    show_default=True,
    help="Which one of a group is not tagged.",
)
@click.option("--rotations", is_flag=True, help="Match rotations by 90 degrees and flips too.")
@view_option
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="ray: read and match on a Ray cluster that runs already; the groups are the same.",
)
@click.option(
    "--ray-address",
    metavar="HOST:PORT",
    default="auto",
    show_default=True,
    help="The cluster's head; auto is RAY_ADDRESS, else the cluster on this machine.",
)
def command(as_json: bool, **options: object) -> None:
    """Tag exact and near duplicates; one of each group is kept.

    Nothing is removed. The views `duplicates` and `deduplicated` are saved; equal pictures with
    different labels get the tag `label_conflict`, duplicates in more than one split `leak`, and
    pictures under three labels or more, or repeated far beyond the habit of their class,
    `contamination`: of those the view `clean` keeps none.
    """
    from bccurate import dedupe

    echo(dedupe(**options), as_json)
