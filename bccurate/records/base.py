"""What commands return: frozen dataclasses that print as text and as JSON.

``str(record)`` is what a person reads, ``record.to_json()`` what ``--json`` prints: one object
with ``"schema": 1``, ``"command"``, ``"dataset"`` and the fields of the record.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, TypeVar

SCHEMA = 1
R = TypeVar("R", bound="Record")


@dataclass(frozen=True)
class Record:
    """Base of all records. ``changed`` is False where there was nothing left to do."""

    command: ClassVar[str] = ""
    dataset: str | None
    changed: bool = field(default=True, kw_only=True)
    warnings: list[str] = field(default_factory=list, kw_only=True)

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary of what ``json.dumps`` takes."""
        return {"schema": SCHEMA, "command": self.command, **asdict(self)}

    @classmethod
    def from_json(cls: type[R], data: dict[str, Any]) -> R:
        """The record that ``to_json`` wrote; keys that are not ours are passed over."""
        names = {f.name for f in fields(cls)}
        return cls(**{key: value for key, value in data.items() if key in names})

    def lines(self) -> list[str]:
        """The text for a person, a line each."""
        return []

    def __str__(self) -> str:
        lines = self.lines() + [f"warning: {warning}" for warning in self.warnings]
        if not self.changed:
            lines.append("Already up to date.")
        return "\n".join(lines)


def table(rows: list[list[Any]], header: list[str]) -> list[str]:
    """Rows as lines of aligned columns; numbers to the right."""
    cells = [header, *[[_cell(value) for value in row] for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    numeric = [all(isinstance(r[i], int | float | None) for r in rows) for i in range(len(header))]
    return [
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in cells
    ]


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def unreadable_lines(unreadable: list[dict[str, str]], most: int = 5) -> list[str]:
    """The first few files that do not decode, a line each."""
    lines = [f"  unreadable: {row['filepath']}: {row['reason']}" for row in unreadable[:most]]
    if len(unreadable) > most:
        lines.append(f"  … and {len(unreadable) - most} more (--json lists all)")
    return lines
