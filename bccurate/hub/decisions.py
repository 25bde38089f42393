"""What people decide on samples, as tags.

A person's decision is one tag: ``relabel:<class>``, ``keep`` or ``drop``, with who and when in two
fields. Labels, files and samples stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import fiftyone as fo

KEEP = "keep"
DROP = "drop"
RELABEL = "relabel:"
BY, AT = "decided_by", "decided_at"


def is_decision(tag: str) -> bool:
    """Whether a tag is a person's decision."""
    return tag in (KEEP, DROP) or tag.startswith(RELABEL)


def decide(dataset: fo.Dataset, ids: Sequence[str], tag: str | None, by: str) -> None:
    """Put a decision on samples in place of an earlier one; None takes it away.

    Labels, files and samples stay as they are.
    """
    import fiftyone as fo

    view = dataset.select(list(ids))
    earlier = [own for own in view.distinct("tags") if is_decision(own)]
    if earlier:
        view.untag_samples(earlier)
    if tag:
        view.tag_samples(tag)
    for field, kind in ((BY, fo.StringField), (AT, fo.DateTimeField)):
        if dataset.get_field(field) is None:
            dataset.add_sample_field(field, kind)
    now = datetime.now(timezone.utc).replace(microsecond=0)
    for field, value in ((BY, by), (AT, now)):
        set_to = dict.fromkeys(ids, value if tag else None)
        dataset.set_values(field, set_to, key_field="id", progress=False)
