"""Which samples a training sees: the clean ones of the splits, and their variants."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bccurate.errors import InputError
from bccurate.files import sha256
from bccurate.hub.read import columns, label_path, labelled
from bccurate.hub.views import DROPPED, chosen, clean


@dataclass(frozen=True)
class Samples:
    """Samples of one split, sorted by path so that no outcome hangs on the order.

    ``contents``: a checksum of the pixels, of the source's for a variant; the path where none is.
    """

    paths: list[str]
    labels: list[str]
    contents: list[str]

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str, str]]) -> Samples:
        """Of rows of path, label and content; what comes twice is taken once."""
        ordered = sorted(set(rows))
        return cls(*([row[k] for row in ordered] for k in range(3)))

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Path, label and content of each."""
        return zip(self.paths, self.labels, self.contents, strict=True)

    def known(self, classes: list[str]) -> Samples:
        """Without the samples of classes that training does not know."""
        return Samples.of(row for row in self.rows() if row[1] in classes)

    def targets(self, classes: list[str]) -> np.ndarray:
        """int64 (N,) indices into ``classes``."""
        return np.array([classes.index(label) for label in self.labels], dtype=np.int64)


def training_samples(hub: Any, names: Sequence[str]) -> Samples:
    """The labelled training samples of the saved views ``names``, or the clean ones.

    Raises:
        UsageError: there is no such view.
        InputError: there are no such samples.
    """
    parts = [chosen(hub, name) for name in names] or [clean(hub)]
    originals = {sample: row for *row, sample in _rows(clean(hub).match_tags("train"), "id")}
    training = [part.match_tags(DROPPED, bool=False).match_tags("train") for part in parts]
    found = Samples.of(row for part in training for row in _training_rows(part, originals))
    if not found.paths:
        raise InputError(
            f"No labelled sample of {hub.name!r} has the tag 'train' in "
            f"{', '.join(names) or 'the clean samples'}.",
            f"bccurate split -d {hub.name}",
        )
    return found


def validation_samples(hub: Any) -> Samples:
    """The clean labelled samples with the tag ``val``."""
    rows = _rows(clean(hub).match_tags("val"))
    return Samples.of((path, label, content or path) for path, label, content in rows)


def classes_of(training: Samples, name: str) -> list[str]:
    """The labels, sorted.

    Raises:
        InputError: there are fewer than two.
    """
    classes = sorted(set(training.labels))
    if len(classes) < 2:
        raise InputError(
            f"Training needs two classes; the training samples of {name!r} have {len(classes)}.",
            f"bccurate info -d {name}",
        )
    return classes


def digest(*parts: Samples) -> str:
    """A checksum of which files and labels there are."""
    return sha256(json.dumps([[part.paths, part.labels] for part in parts]).encode())[:16]


def _rows(view: Any, *fields: str) -> Iterator[tuple[Any, ...]]:
    """Path, label and content of the labelled samples, then ``fields``."""
    own = ("filepath", label_path(view), "pixelhash")
    return zip(*columns(labelled(view), *own, *fields), strict=True)


def _training_rows(part: Any, originals: dict[str, list[str]]) -> Iterator[tuple[str, str, str]]:
    """Path, label and content; a variant only while its source is for training, as its source."""
    for path, label, content, source in _rows(part, "source_id"):
        if source is None:
            yield path, label, content or path
        elif source in originals:
            source_path, source_label, source_content = originals[source]
            yield path, source_label, source_content or source_path
