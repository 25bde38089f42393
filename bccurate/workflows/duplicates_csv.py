"""Write duplicate groups as CSV, a row for each image of a group."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bccurate.files import atomic_write
from bccurate.hub.manifest import escape_formula
from bccurate.records.duplicates import reasons

COLUMNS = ("group", "kind", "keep", "filepath", "label", "similarity", "why", "matches")


def write_csv(
    file: Path, groups: Sequence[dict[str, Any]], labels: Mapping[str, str | None]
) -> None:
    """Write the groups of a ``DedupeRecord`` as RFC 4180 CSV, UTF-8 with a header.

    Columns: the number of the group from 1, its kind, ``yes`` for the image that is kept, its path
    and label, and for the others similarity to, and reason to match, the image in ``matches``. A
    path or label that a spreadsheet would run as a formula gets an apostrophe before it.

    Args:
        file: replaced if it exists.
        groups: of ``DedupeRecord``.
        labels: by path; None for no label.

    Raises:
        InputError: the folder cannot be written.
        NoSpaceError: the disk is full.
    """
    with io.StringIO(newline="") as text:
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for number, group in enumerate(groups, 1):
            writer.writerows(_rows(number, group, labels))
        content = text.getvalue()
    with atomic_write(file) as out:
        out.write(content.encode())


def _rows(
    number: int, group: dict[str, Any], labels: Mapping[str, str | None]
) -> Iterator[list[Any]]:
    why = reasons(group)
    for path in group["members"]:
        reason = why.get(path, {"similarity": "", "why": "", "matches": ""})
        yield [
            number,
            group["kind"],
            "yes" if path == group["keep"] else "no",
            escape_formula(path),
            escape_formula(labels.get(path) or ""),
            reason["similarity"],
            reason["why"],
            escape_formula(reason["matches"]),
        ]
