"""``bccurate split``."""

from typing import Any

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.settings.curation import SplitOptions


@declare("split", "bccurate split --val .15 --test .15", SplitOptions)
def command(as_json: bool, **options: Any) -> None:
    """Tag train, val and test; duplicates never cross splits.

    Every class keeps its share in every split and fold. Samples that have a split keep it. With
    --test 0 all samples get a fold.
    """
    from bccurate import split

    echo(split(**options), as_json)
