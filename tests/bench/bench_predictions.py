"""Writing predictions with logits of 12,000 samples and 8 classes, against FiftyOne's functions.

bccurate writes chunks of 2,048, as in ``train`` and ``predict``. ``set_values`` is one call with
ready-made labels; ``apply_model`` has a model that reads no image and looks up its label (batches
of 32). Each writes a new field, and an existing one again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.measure import Figure, interleaved, versus

TITLE = "Writing predictions"
N, CLASSES = 12_000, tuple("abcdefgh")
ROUNDS = 4


def run(images: Path, n: int = N, rounds: int = ROUNDS) -> list[Figure]:
    """Return the ratios for a new field and for an existing one."""
    import fiftyone as fo

    logits = np.random.default_rng(0).normal(size=(n, len(CLASSES))).astype(np.float32)
    odds = np.exp(logits)
    probabilities = odds / odds.sum(axis=1, keepdims=True)
    labels = [
        fo.Classification(label=CLASSES[row.argmax()], confidence=float(row.max()), logits=logit)
        for row, logit in zip(probabilities, logits, strict=True)
    ]
    with _dataset(n) as dataset:
        ids = dataset.values("id")
        model = _lookup(dict(zip(ids, labels, strict=True)))
        contenders = {
            "ours": partial(_ours, dataset, ids, probabilities, logits),
            "values": lambda field: dataset.set_values(field, labels),
            "model": lambda field: dataset.apply_model(
                model, field, batch_size=32, num_workers=0, progress=False
            ),
        }
        return [row for new in (True, False) for row in _figures(dataset, contenders, new, rounds)]


def _figures(dataset: Any, contenders: dict[str, Any], new: bool, rounds: int) -> list[Figure]:
    # A new field in each round, so that deleting one is not measured.
    fields = {name: iter(f"{name}_{i if new else 0}" for i in range(rounds)) for name in contenders}
    calls = {name: lambda n=name: contenders[n](next(fields[n])) for name in contenders}
    seconds = interleaved(calls, rounds)
    where = "a new field" if new else "written again"
    took = ", ".join(f"{name} {min(values):.2f} s" for name, values in seconds.items())
    return [
        versus(f"ours / set_values, {where}", seconds["ours"], seconds["values"], "<= 1.3", took),
        versus(f"apply_model / ours, {where}", seconds["model"], seconds["ours"], ">= 5"),
    ]


def _ours(
    dataset: Any, ids: list[str], probabilities: np.ndarray, logits: np.ndarray, field: str
) -> None:
    from bccurate.hub.predictions import write_predictions
    from bccurate.workflows.artifacts import CHUNK

    for start in range(0, len(ids), CHUNK):
        part = slice(start, start + CHUNK)
        write_predictions(dataset, field, ids[part], probabilities[part], logits[part], CLASSES)


@contextmanager
def _dataset(n: int) -> Iterator[Any]:
    import fiftyone as fo

    from bccurate.hub.write import add_samples

    dataset = fo.Dataset()
    add_samples(dataset, (fo.Sample(filepath=f"/none/{i}.png") for i in range(n)))
    try:
        yield dataset
    finally:
        dataset.delete()


def _lookup(labels: dict[str, Any]) -> Any:
    """Return a FiftyOne model that takes sample ids instead of images and looks up the labels."""
    from fiftyone.core.models import Model, SupportsGetItem, TorchModelMixin
    from fiftyone.utils.torch import GetItem

    class Id(GetItem):
        required_keys = ("id",)

        def __call__(self, values: dict[str, Any]) -> str:
            return values["id"]

    class Lookup(Model, SupportsGetItem, TorchModelMixin):
        media_type, ragged_batches, has_collate_fn, preprocess = "image", False, True, False
        transforms = config = None

        def build_get_item(self, field_mapping: Any = None) -> GetItem:
            return Id(field_mapping)

        @staticmethod
        def collate_fn(batch: list[str]) -> list[str]:
            return batch

        def predict_all(self, ids: list[str]) -> list[Any]:
            return [labels[sample] for sample in ids]

        def __enter__(self) -> Lookup:
            return self

        def __exit__(self, *error: object) -> None:
            pass

    return Lookup()
