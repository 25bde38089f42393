"""``manifest.csv``: what an export holds, a row a file, exact and checked.

Columns: ``filepath`` below the folder of the manifest, ``label`` (empty for none), ``split``
(``train``, ``val``, ``test`` or empty), ``tags`` (a JSON list of all other tags) and ``sha256`` of
the file. Unlike a table from a person's hand, nothing in it is stripped or guessed. A path or label
that a spreadsheet would run as a formula has an apostrophe before it, which reading takes off.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bccurate.errors import InputError
from bccurate.hub.views import SPLITS

NAME = "manifest.csv"
COLUMNS = ("filepath", "label", "split", "tags", "sha256")
SPLIT_NAMES = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
# What spreadsheets take for a formula (OWASP, CSV Injection), our apostrophes before it or not.
FORMULA = re.compile(r"'*[=+\-@\t\r]")


@dataclass(frozen=True)
class Row:
    """One sample to be: absolute path, label or None, split or None, more tags, checksum."""

    filepath: str
    label: str | None = None
    split: str | None = None
    tags: tuple[str, ...] = ()
    sha256: str | None = None


def split_of(tags: Iterable[str]) -> tuple[str | None, tuple[str, ...]]:
    """The one split among ``tags`` and the rest, sorted; all of them where there are two splits."""
    rest = sorted(set(tags))
    found = [tag for tag in SPLITS if tag in rest]
    if len(found) != 1:
        return None, tuple(rest)
    return found[0], tuple(tag for tag in rest if tag != found[0])


def as_text(rows: Iterable[Row]) -> str:
    """The manifest of rows whose paths are relative."""
    with io.StringIO(newline="") as file:
        writer = csv.writer(file)  # CRLF, as RFC 4180 says: a bare CR in a label is quoted then
        writer.writerow(COLUMNS)
        for row in rows:
            tags = json.dumps(list(row.tags), ensure_ascii=False)
            path, label = escape_formula(row.filepath), escape_formula(row.label or "")
            writer.writerow([path, label, row.split, tags, row.sha256])
        return file.getvalue()


def escape_formula(cell: str) -> str:
    """Return a cell with an apostrophe before it where a spreadsheet would run it as a formula."""
    return f"'{cell}" if FORMULA.match(cell) else cell


def _as_it_was(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def is_manifest(path: Path) -> bool:
    """Whether a file begins as ``as_text`` does."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.readline(200).rstrip("\r\n") == ",".join(COLUMNS)
    except (OSError, UnicodeDecodeError):
        return False


def read(path: Path, text: str) -> Iterable[Row]:
    """The rows of the manifest at ``path``, whose content is ``text``; paths absolute.

    Raises:
        InputError: a row is not what ``as_text`` writes; the line is named.
    """
    reader = csv.reader(io.StringIO(text, newline=""))
    next(reader, None)
    try:
        for record in reader:
            if record:
                yield _row(path.parent.absolute(), record)
    except (csv.Error, ValueError, TypeError, RecursionError) as error:
        line = reader.line_num
        raise InputError(f"{path}, line {line}: {error}", f"sed -n {line}p {path}") from error


def _row(folder: Path, record: list[str]) -> Row:
    filepath, label, split, tags, sha256 = record
    if split and split not in SPLITS:
        raise ValueError(f"split {split!r} is none of {', '.join(SPLITS)}")
    if sha256 and not is_sha256(sha256):
        raise ValueError(f"sha256 {sha256!r} is not 64 hexadecimal digits")
    return Row(
        os.path.normpath(os.path.join(folder, _as_it_was(filepath))),
        _as_it_was(label) or None,
        split or None,
        read_tags(tags),
        sha256 or None,
    )


def is_sha256(value: object) -> bool:
    """Whether a value is a checksum as we write it."""
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def read_tags(text: str) -> tuple[str, ...]:
    """Tags of a JSON list of strings; ``""`` is none.

    Raises:
        ValueError: it is something else.
    """
    tags = json.loads(text) if text else []
    if not isinstance(tags, list) or not all(isinstance(tag, str) and tag for tag in tags):
        raise ValueError(f"tags {text!r} are not a JSON list of words")
    return tuple(tags)
