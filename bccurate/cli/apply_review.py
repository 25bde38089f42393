"""``bccurate apply-review``."""

from typing import Any

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.settings.data import DatasetOptions


@declare("apply-review", "bccurate apply-review", DatasetOptions)
def command(as_json: bool, **options: Any) -> None:
    """Read people's tags: relabel, keep or drop; nothing is deleted.

    The tag `relabel:CLASS` changes the label, `drop` takes a sample out of the view `clean` and of
    training, `keep` takes off what curation excludes it by. The tags stay; one that was taken away
    is undone by the next call, and all of it by `bccurate undo apply_review`.
    """
    from bccurate import apply_review

    echo(apply_review(**options), as_json)
