"""Predictions written as documents are what FiftyOne itself would have written."""

from __future__ import annotations

import numpy as np
import pytest

from bccurate.errors import UsageError
from bccurate.hub.open import opened
from bccurate.hub.predictions import write_predictions
from bccurate.hub.write import add_samples

CLASSES = ["a", 'say "x" | $c.', "ü 🩸"]


@pytest.fixture
def dataset(name: str):
    """Five samples of files that need not be there."""
    import fiftyone as fo

    with opened(name, create=True) as dataset:
        add_samples(dataset, (fo.Sample(filepath=f"/none/{i}.png") for i in range(5)))
        yield dataset


def scores(seed: int, n: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and logits float32 (n, 3)."""
    logits = np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32)
    odds = np.exp(logits)
    return odds / odds.sum(axis=1, keepdims=True), logits


def stored(dataset, field: str) -> list[dict]:
    """The documents as they lie in the database, without their ids."""
    rows = [row[field] for row in dataset._sample_collection.find().sort("_id")]
    return [{key: value for key, value in row.items() if key != "_id"} for row in rows]


def test_documents_equal_fiftyones_own(dataset) -> None:
    """Byte for byte what ``set_values`` stores, in a field of the same schema."""
    import fiftyone as fo

    probabilities, logits = scores(0)
    ids = dataset.values("id")
    assert write_predictions(dataset, "ours", ids, probabilities, logits, CLASSES) == 5
    labels = [
        fo.Classification(label=CLASSES[row.argmax()], confidence=float(row.max()), logits=logit)
        for row, logit in zip(probabilities, logits, strict=True)
    ]
    dataset.set_values("theirs", labels)
    assert stored(dataset, "ours") == stored(dataset, "theirs")
    assert list(stored(dataset, "ours")[0]) == list(stored(dataset, "theirs")[0])
    schema = {path: str(kind) for path, kind in dataset.get_field_schema(flat=True).items()}
    ours, theirs = (
        {path.partition(".")[2]: kind for path, kind in schema.items() if path.startswith(field)}
        for field in ("ours", "theirs")
    )
    assert ours == theirs and "logits" in ours
    assert len({label.id for label in dataset.values("ours")}) == 5


def test_a_second_write_replaces_and_samples_in_memory_follow(dataset) -> None:
    """New values by id in any order; a sample that is held shows them; others keep theirs."""
    ids = dataset.values("id")
    write_predictions(dataset, "m", ids, *scores(0), CLASSES)
    held, before = dataset.first(), dataset.last().m.logits
    modified = held.last_modified_at
    probabilities, logits = scores(1, n=2)
    write_predictions(dataset, "m", [ids[2], ids[0]], probabilities, logits, CLASSES)
    np.testing.assert_array_equal(held.m.logits, logits[1])
    np.testing.assert_array_equal(dataset[ids[2]].m.logits, logits[0])
    np.testing.assert_array_equal(dataset.last().m.logits, before)
    assert held.m.label == CLASSES[probabilities[1].argmax()]
    assert dataset.first().last_modified_at >= modified


def test_a_field_of_another_kind_is_not_overwritten(dataset) -> None:
    """A person's own field of a model's name is a usage error, and keeps its values."""
    dataset.set_values("m", list("abcde"))
    with pytest.raises(UsageError, match=r"'m'.*not Classification"):
        write_predictions(dataset, "m", dataset.values("id"), *scores(0), CLASSES)
    assert dataset.values("m") == list("abcde")


def test_ids_and_rows_must_pair(dataset) -> None:
    """Fewer ids than rows is an error, not a shift by one."""
    with pytest.raises(ValueError, match="zip"):
        write_predictions(dataset, "m", dataset.values("id")[:4], *scores(0), CLASSES)
