"""``bccurate dedupe``."""

from typing import Any

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.settings.curation import DedupeOptions


@declare("dedupe", "bccurate dedupe FOLDER --rotations", DedupeOptions)
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
