"""What people decide on samples, as tags, and the tags that ``apply-review`` makes of them.

A person's decision is one tag: ``relabel:<class>``, ``keep`` or ``drop``, with who and when in two
fields where the App's buttons wrote it. Applied, a drop is the tag ``dropped``, which is not clean,
and a keep the tag ``kept``: what curation would tag such a sample with becomes ``kept:<tag>``,
which excludes it from nothing and is still there when the keep is taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from bccurate.hub.read import columns, label_field, label_path
from bccurate.hub.views import CURATION, DROPPED, VARIANT
from bccurate.hub.write import set_column, set_labels, set_tag

if TYPE_CHECKING:
    import fiftyone as fo

KEEP = "keep"
DROP = "drop"
RELABEL = "relabel:"
KEPT = "kept"
BY, AT = "decided_by", "decided_at"
BEFORE = "label_before_review"  # only of samples whose label was changed; "" where there was none


def is_decision(tag: str) -> bool:
    """Whether a tag is a person's decision."""
    return tag in (KEEP, DROP) or tag.startswith(RELABEL)


def shadow(tag: str) -> str:
    """What stands on a kept sample in place of a curation tag."""
    return f"{KEPT}:{tag}"


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


@dataclass(frozen=True)
class Reviewed:
    """A sample and what people said of it.

    Attributes:
        tags: all of them.
        label: as it stands, None where there is none.
        before: the label before ``apply-review`` changed it, "" for none; None where it did not.
        by, at: who decided and when; None where the tag was given by hand.
    """

    id: str
    path: str
    tags: list[str]
    label: str | None
    before: str | None
    by: str | None
    at: datetime | None

    @property
    def decisions(self) -> list[str]:
        """The decisions among the tags, in order."""
        return sorted(filter(is_decision, self.tags))

    @property
    def original(self) -> str:
        """The label without any review, "" for none."""
        return (self.label or "") if self.before is None else self.before

    @property
    def target(self) -> str:
        """The label that the decision asks for, "" for none."""
        asked = [tag.removeprefix(RELABEL) for tag in self.decisions if tag.startswith(RELABEL)]
        return asked[0] if asked else self.original

    @property
    def lifted(self) -> list[str]:
        """The curation tags that a keep takes off."""
        return [tag for tag in CURATION if tag in self.tags or shadow(tag) in self.tags]


def read_reviewed(dataset: fo.Dataset) -> list[Reviewed]:
    """Every sample, variants too, sorted by path."""
    table = columns(dataset, "id", "filepath", "tags", label_path(dataset), BEFORE, BY, AT)
    return sorted((Reviewed(*row) for row in zip(*table, strict=True)), key=lambda s: s.path)


def set_curation_tag(view: Any, tag: str, ids: Iterable[str]) -> int:
    """As ``set_tag``, but samples that a person keeps get the shadow of what excludes others."""
    wanted, kept = set(ids), set(view.match_tags(KEPT).values("id") if tag in CURATION else ())
    return set_tag(view, tag, wanted - kept) + set_tag(view, shadow(tag), wanted & kept)


def write_labels(dataset: fo.Dataset, samples: Sequence[Reviewed]) -> int:
    """Give samples the label of their decision; the one before is kept first, for a killed run.

    Returns:
        how many labels were changed.
    """
    markers = {s.id: s.original if s.target != s.original else None for s in samples}
    kept = {i: marker for i, marker in markers.items() if marker is not None}
    set_column(dataset, BEFORE, list(kept), list(kept.values()))
    changed = _write_truth(
        dataset, {s.id: s.target for s in samples if s.target != (s.label or "")}
    )
    set_column(dataset, BEFORE, list(markers), list(markers.values()))
    return changed


def follow_sources(dataset: fo.Dataset) -> int:
    """Give variants the label of their source; returns how many changed."""
    variants = dataset.match_tags(VARIANT)
    truth = dict(zip(*columns(dataset, "id", label_path(dataset)), strict=True))
    rows = zip(*columns(variants, "id", label_path(dataset), "source_id"), strict=True)
    new = {i: truth[source] or "" for i, label, source in rows if truth.get(source, label) != label}
    return _write_truth(dataset, new)


def _write_truth(dataset: fo.Dataset, labels: Mapping[str, str]) -> int:
    """Set labels by sample id, "" for none; what else a label holds stays."""
    import fiftyone as fo

    if not labels:
        return 0
    field = label_field(dataset)
    has_label = set(dataset.select(list(labels)).exists(field).values("id"))
    bare = [i for i, label in labels.items() if label and i not in has_label]
    none = [i for i, label in labels.items() if not label]
    rest = [i for i in labels if i not in {*bare, *none}]
    set_column(dataset, f"{field}.label", rest, [labels[i] for i in rest])
    set_labels(dataset, field, bare, (fo.Classification(label=labels[i]) for i in bare))
    dataset.set_values(field, dict.fromkeys(none), key_field="id", progress=False)
    return len(labels)


def write_tags(dataset: fo.Dataset, samples: Sequence[Reviewed]) -> int:
    """Make the tags ``dropped`` and ``kept``, and those of curation, what decisions ask for.

    Returns:
        how many tags were given and taken.
    """
    changed = set_tag(dataset, DROPPED, (s.id for s in samples if DROP in s.decisions))
    changed += set_tag(dataset, KEPT, (s.id for s in samples if KEEP in s.decisions))
    for tag in CURATION:
        changed += set_curation_tag(dataset, tag, (s.id for s in samples if tag in s.lifted))
    return changed
