"""``bccurate apply-review``: what people decided in the App becomes labels and clean samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timezone
from typing import Any

from bccurate.errors import InputError, nearest
from bccurate.hub import runs
from bccurate.hub.open import opened
from bccurate.hub.read import label_field
from bccurate.hub.review_tags import (
    BEFORE,
    DROP,
    KEEP,
    RELABEL,
    Reviewed,
    follow_sources,
    read_reviewed,
    write_labels,
    write_tags,
)
from bccurate.hub.views import VARIANT, refresh_clean
from bccurate.records import ApplyReviewRecord
from bccurate.settings.in_use import dataset_in_use
from bccurate.workflows.stale_runs import out_of_date

RUN = "apply_review"
MOST_NAMED = 5
AFTER_LABELS = ("dedupe", "outliers", "train", "mistakes")  # that read labels
AFTER_TAGS = ("train",)


def apply_review(dataset: str | None = None) -> ApplyReviewRecord:
    """Make the dataset what people's tags say; nothing is deleted.

    ``relabel:<class>`` changes the label, of the sample's variants too; ``drop`` takes the sample
    out of the view ``clean`` and of training; ``keep`` takes off the curation tags that exclude it,
    and later ``dedupe`` and ``outliers`` leave it so. A tag that was taken away since the last call
    is undone. People's tags stay, so that ``undo`` and this command can follow each other.

    Args:
        dataset: name; the one in use where None.

    Raises:
        UsageError: an unknown dataset.
        InputError: a sample with two decisions, a class that no sample has, a decision on a
            variant. Nothing is written then.
    """
    name = dataset_in_use(dataset)
    with opened(name, write=True) as hub:
        samples = read_reviewed(hub)
        _check(hub, [sample for sample in samples if sample.decisions], _classes(hub, samples))
        originals = [sample for sample in samples if VARIANT not in sample.tags]
        relabelled = write_labels(hub, originals) + follow_sources(hub)
        retagged = write_tags(hub, originals)
        changed = bool(relabelled) | bool(retagged) | refresh_clean(hub)
        record = _record(hub, [sample for sample in originals if sample.decisions])
        if record.decisions or runs.has(hub, RUN):
            changed |= runs.save(hub, RUN, record, {})
        after = AFTER_LABELS if relabelled else AFTER_TAGS if retagged else ()
        return replace(record, changed=changed, warnings=out_of_date(hub, after))


def take_back(hub: Any) -> None:
    """Labels and curation tags as they were without ``apply-review``; people's tags stay."""
    samples = [
        replace(sample, tags=[tag for tag in sample.tags if tag not in sample.decisions])
        for sample in read_reviewed(hub)
        if VARIANT not in sample.tags
    ]
    write_labels(hub, samples)
    follow_sources(hub)
    write_tags(hub, samples)
    if hub.get_field(BEFORE) is not None:
        hub.delete_sample_field(BEFORE)


def _classes(hub: Any, samples: Iterable[Reviewed]) -> set[str]:
    """What a label may be: those that are there or were, and those that the dataset declares."""
    declared = {*(hub.default_classes or ()), *(hub.classes or {}).get(label_field(hub), ())}
    known = {label for sample in samples for label in (sample.label, sample.original) if label}
    return known | declared


def _check(hub: Any, decided: Sequence[Reviewed], classes: set[str]) -> None:
    """Refuse what cannot be meant, before anything is written."""
    _refuse(
        hub,
        "One decision a sample",
        [f"{s.path} has {', '.join(s.decisions)}" for s in decided if len(s.decisions) > 1],
    )
    unknown = [s for s in decided if s.decisions[0].startswith(RELABEL) and s.target not in classes]
    _refuse(
        hub,
        f"No sample of {hub.name!r} has that class",
        [f"{s.path} has {s.decisions[0]}.{nearest(s.target, classes)}" for s in unknown],
    )
    _refuse(
        hub,
        "A variant takes its source's label",
        [f"{s.path} has {s.decisions[0]}" for s in decided if VARIANT in s.tags],
    )


def _refuse(hub: Any, rule: str, cases: list[str]) -> None:
    if not cases:
        return
    more = f"; and {len(cases) - MOST_NAMED:,} more" if len(cases) > MOST_NAMED else ""
    raise InputError(
        f"{rule}: {'; '.join(cases[:MOST_NAMED])}{more}", f"bccurate review -d {hub.name}"
    )


def _record(hub: Any, decided: Sequence[Reviewed]) -> ApplyReviewRecord:
    rows = [_row(sample) for sample in decided]
    kinds = Counter(row["decision"].partition(":")[0] for row in rows)
    counts = {kind: kinds[kind] for kind in (RELABEL.rstrip(":"), KEEP, DROP)}
    counts["labels_changed"] = sum(row["label_before"] is not None for row in rows)
    stored = runs.load(hub, RUN) or {"decisions": [], "earlier": []}
    earlier = [*stored["earlier"], *(row for row in stored["decisions"] if row not in rows)]
    return ApplyReviewRecord(hub.name, rows, counts, earlier=earlier)


def _row(sample: Reviewed) -> dict[str, Any]:
    return {
        "filepath": sample.path,
        "decision": sample.decisions[0],
        "label": sample.target or None,
        "label_before": sample.original if sample.target != sample.original else None,
        "lifted": sample.lifted if KEEP in sample.decisions else [],
        "by": sample.by,
        "at": sample.at.replace(tzinfo=timezone.utc).isoformat() if sample.at else None,
    }
