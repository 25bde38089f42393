"""A checksum of a dataset, to tell whether a command changed it."""

from __future__ import annotations

import hashlib
import json

import fiftyone as fo


def digest(name: str) -> str:
    """Return a checksum of all that a dataset stores: fields, tags and views, but no dates."""
    dataset = fo.load_dataset(name)
    samples = sorted(
        (json.loads(sample.to_json()) for sample in dataset), key=lambda sample: sample["filepath"]
    )
    for sample in samples:
        sample.pop("last_modified_at", None)
        sample.pop("_id", None)
        sample["tags"] = sorted(sample["tags"])
    stored = [samples, sorted(dataset.list_saved_views())]
    return hashlib.sha256(json.dumps(stored, sort_keys=True, default=str).encode()).hexdigest()
