"""What the report is made from: records and pictures, no database.

``records`` maps the name of a command (import, info, dedupe, outliers, split, augment_augmix,
augment_randaugment) to what its record's ``to_json()`` gave (see ``bccurate.records``). Anything
may be missing; the page then says which command makes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class SheetRow:
    """One sample of the Grad-CAM sheet; ``image``, ``map`` and ``overlay``: JPEGs of one size."""

    filepath: str
    label: str
    prediction: str
    confidence: float
    image: bytes
    map: bytes
    overlay: bytes


@dataclass(frozen=True)
class CorruptionRow:
    """One cell under one corruption: JPEG bytes at severity 1, 3 and 5."""

    name: str
    family: str
    images: list[bytes]


@dataclass(frozen=True)
class ModelPart:
    """One model's records, each None where that command has not run, and its Grad-CAM sheet.

    ``validation``: accuracy, interval and n of all val samples and of the ``safe`` ones, which
    have no duplicate on another side; None where no duplicates are parted.
    """

    name: str
    train: Json | None = None
    evaluate: Json | None = None
    mistakes: Json | None = None
    explain: Json | None = None
    sheet: list[SheetRow] = field(default_factory=list)
    corruptions: Json | None = None
    validation: dict[str, Json] | None = None


@dataclass(frozen=True)
class ReportData:
    """Everything that the page shows.

    ``created`` is a date and time as the reader should see it. ``intensities`` maps a label to
    ``(mean, std, is_outlier)`` an image, on the 0 to 255 scale. ``thumbnails`` maps a file path
    to JPEG bytes; a path without one is shown by name. ``corruptions`` is one cell under each.
    ``leaks`` are groups that cross splits, ``{"field", "group", "splits", "members"}`` with members
    ``{"filepath", "split", "label"}``, as they are now; None where there is nothing to tell, for
    want of a split or of ``dedupe``. ``removed`` are pictures with and without their background:
    label, path, path.
    """

    dataset: str
    created: str
    records: dict[str, Json] = field(default_factory=dict)
    models: list[ModelPart] = field(default_factory=list)
    intensities: dict[str, list[tuple[float, float, bool]]] = field(default_factory=dict)
    thumbnails: dict[str, bytes] = field(default_factory=dict)
    corruptions: list[CorruptionRow] = field(default_factory=list)
    leaks: list[Json] | None = None
    removed: list[tuple[str, str, str]] = field(default_factory=list)
