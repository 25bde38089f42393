"""``bccurate dedupe``."""

from typing import Any

import click

from bccurate.cli.options import dataset_option, declare, echo, view_option


@declare("dedupe", "bccurate dedupe FOLDER --rotations")
@click.argument("path", required=False, metavar="[FOLDER|CSV]", type=click.Path())
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
    help="Differing bits of 64 up to which hashes make a candidate; pixels confirm it.",
)
@click.option(
    "--keep",
    type=click.Choice(["first", "largest", "sharpest"]),
    default="first",
    show_default=True,
    help="Which image of a group is kept.",
)
@click.option("--rotations", is_flag=True, help="Match rotations by 90 degrees and flips too.")
@view_option
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="ray: read and match on a running Ray cluster; the groups are the same.",
)
@click.option(
    "--ray-address",
    metavar="HOST:PORT",
    default="auto",
    show_default=True,
    help="The cluster's head; auto is RAY_ADDRESS, else the cluster on this machine.",
)
@click.option(
    "--csv", metavar="FILE", type=click.Path(dir_okay=False), help="Write the groups to a CSV too."
)
@click.option("--fail-on-found", is_flag=True, help="Exit 3 where there are duplicates.")
def command(as_json: bool, fail_on_found: bool, **options: Any) -> None:
    """Tag exact and near duplicates; one of each group is kept.

    Nothing is removed. The views `duplicates` and `deduplicated` are saved. Groups with different
    labels get the tag `label_conflict`, duplicates in more than one split `leak`. Images with three
    labels or more, or repeated at least 10 times as often as the class median, get
    `contamination`: the view `clean` keeps none of those.

    With FOLDER, or a CSV with a column of paths, the groups are printed. No dataset and no database
    is used, and nothing is written but the file of --csv.
    """
    from bccurate import dedupe
    from bccurate.errors import FindingsError

    record = dedupe(**options)
    echo(record, as_json)
    if fail_on_found and record.groups:
        found = f"{record.counts['groups']} groups of duplicates were found."
        raise FindingsError(found, _next_step(record.dataset))


def _next_step(dataset: str | None) -> str:
    if dataset:
        return f"bccurate review -d {dataset} --view duplicates"
    return "bccurate dedupe with --csv FILE to list the groups"
