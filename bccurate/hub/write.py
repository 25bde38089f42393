"""Writes whole columns, tags and samples in bulk, and only what differs.

Every function tells how much it wrote, so that a command which is run again can say that nothing
was left to do. Nothing here deletes a sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from bccurate.errors import UsageError

if TYPE_CHECKING:
    import fiftyone as fo

BATCH = 1000  # samples or values a request; a request's document may not pass 16 MB


def set_column(view: Any, field: str, ids: Sequence[str], values: Sequence[Any]) -> int:
    """Set plain values of a field by sample id, only where they differ.

    A field that is not there is made with the type of the values.

    Returns:
        how many values were written.
    """
    from bccurate.hub.read import columns, has_field

    old: Mapping[str, Any] = {}
    if has_field(view, field):
        old = dict(zip(*columns(view, "id", field), strict=True))
    new = {i: v for i, v in zip(ids, values, strict=True) if old.get(i) != v}
    if not new:
        return 0
    _declare(view, field, values)
    for batch in _batches(new.items(), BATCH * 10):
        view.set_values(field, dict(batch), key_field="id", progress=False)
    return len(new)


def _declare(view: Any, field: str, values: Sequence[Any]) -> None:
    """Make the field first: a crash then leaves no half-known type behind."""
    import fiftyone as fo

    kinds = {bool: fo.BooleanField, int: fo.IntField, float: fo.FloatField, str: fo.StringField}
    kind = next((kinds[type(v)] for v in values if type(v) in kinds), None)
    if kind and view.get_field(field) is None:
        view._dataset.add_sample_field(field, kind)


def set_labels(
    view: Any, field: str, ids: Sequence[str], labels: Iterable[fo.Label], batch: int = BATCH
) -> int:
    """Set label objects (Classification, Heatmap) by sample id, a batch at a time."""
    written = 0
    for pairs in _batches(zip(ids, labels, strict=True), batch):
        view.set_values(field, dict(pairs), key_field="id", progress=False)
        written += len(pairs)
    return written


def set_documents(
    dataset: fo.Dataset,
    field: str,
    kind: type[fo.Label],
    ids: Sequence[str],
    documents: Iterable[dict[str, Any]],
) -> int:
    """Set labels of one kind by sample id, given as the documents that the database stores.

    What ``set_labels`` does, less an object a label that is made, checked and taken apart again:
    most of its time.

    Args:
        documents: one a sample, the keys of ``kind`` that are set, without ``_id``, ``_cls`` and
            ``tags``; arrays as ``fiftyone.core.utils.serialize_numpy_array`` gives them.

    Raises:
        UsageError: there is a field of that name that holds something else.
    """
    from bson import ObjectId

    _declare_labels(dataset, field, kind)
    head = {"_cls": kind.__name__, "tags": []}
    rows = ({field: {"_id": ObjectId(), **head, **body}} for body in documents)
    return set_fields(dataset, zip(ids, rows, strict=True))


def set_fields(dataset: fo.Dataset, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> int:
    """Set several declared fields of samples at once: what the database stores, by sample id.

    One request a batch of samples, as they come, instead of one a field; a crash leaves whole
    samples only.

    Returns:
        how many samples were written.
    """
    from bson import ObjectId
    from pymongo import UpdateOne

    written = 0
    for batch in _batches(rows, BATCH * 2):
        now = datetime.now(timezone.utc)
        updates = [
            UpdateOne({"_id": ObjectId(sample)}, {"$set": {**fields, "last_modified_at": now}})
            for sample, fields in batch
        ]
        dataset._bulk_write(updates)  # shows samples that are held in memory, too
        written += len(batch)
    return written


def _declare_labels(dataset: fo.Dataset, field: str, kind: type[fo.Label]) -> None:
    import fiftyone as fo

    known = dataset.get_field(field)
    if known is None:
        dataset.add_sample_field(field, fo.EmbeddedDocumentField, embedded_doc_type=kind)
    elif getattr(known, "document_type", None) is not kind:
        raise UsageError(
            f"The field {field!r} of {dataset.name!r} holds {known}, not {kind.__name__} labels.",
            "rename that field, then type this again",
        )


def set_tag(view: Any, tag: str, ids: Iterable[str]) -> int:
    """Make ``ids`` the samples of ``view`` that carry ``tag``, no more and no fewer.

    Returns:
        how many samples gained or lost it.
    """
    wanted = set(ids)
    present = set(view.match_tags(tag).values("id"))
    gain, lose = sorted(wanted - present), sorted(present - wanted)
    if gain:
        view.select(gain).tag_samples(tag)
    if lose:
        view.select(lose).untag_samples(tag)
    return len(gain) + len(lose)


def add_samples(dataset: fo.Dataset, samples: Iterable[Any]) -> int:
    """Add samples whose fields are declared, in batches; a crash leaves whole samples only.

    As ``Dataset.add_samples`` does, less its last step: that makes each sample anew as a live
    document, which takes half of its time and which nobody here looks at.
    """
    added = 0
    collection = journaled(dataset._sample_collection)
    for batch in _batches(samples, BATCH):
        pairs = [
            dataset._transform_sample(sample, expand_schema=False, validate=False)
            for sample in batch
        ]
        collection.insert_many([document for _, document in pairs])
        added += len(batch)
    return added


def clear_fields(dataset: fo.Dataset, fields: Iterable[str]) -> None:
    """Empty those of ``fields`` that are there, on all samples."""
    for field in fields:
        if dataset.get_field(field) is not None:
            dataset.clear_sample_field(field)


def journaled(collection: Any) -> Any:
    """The collection, whose writes are answered once the journal on the disk has them.

    MongoDB says yes up to 0.1 s earlier; a kill of it in between would take its word back.
    """
    from pymongo import WriteConcern

    return collection.with_options(write_concern=WriteConcern(w=1, j=True))


def _batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
