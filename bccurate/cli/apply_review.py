"""``bccurate apply-review``."""

from bccurate.cli.options import dataset_option, declare, echo


@declare("apply-review", "bccurate apply-review")
@dataset_option
def command(dataset: str | None, as_json: bool) -> None:
    """Read people's tags: relabel, keep or drop; nothing is deleted.

    The tag `relabel:CLASS` changes the label, `drop` takes a sample out of the view `clean` and of
    training, `keep` takes off what curation excludes it by. The tags stay; one that was taken away
    is undone by the next call, and all of it by `bccurate undo apply_review`.
    """
    from bccurate import apply_review

    echo(apply_review(dataset), as_json)
