"""Lay out in the report whether variants keep their class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bccurate.records.variants import fidelity_sentence
from bccurate.reporting.report_data import Json
from bccurate.settings.vocabulary import VARIANTS


def variant_runs(records: Mapping[str, Json]) -> list[Json]:
    """Return the records of ``augment``."""
    found = (records.get(f"augment_{kind}") for kind in VARIANTS)
    return [record for record in found if record]


def fidelity(records: Mapping[str, Json], most: int) -> list[Json]:
    """Return a table and a contact sheet of at most ``most`` sources for each measured kind."""
    parts = []
    for record in variant_runs(records):
        measured = record.get("fidelity")  # records of older releases have none
        if not measured:
            continue
        sheet = _round_robin(measured["pictures"])
        parts.append(
            {
                "kind": record["kind"],
                "measured": measured,
                "sentence": fidelity_sentence(measured),
                "sheet": sorted(sheet[:most], key=lambda row: row["label"]),
                "more": max(0, len(sheet) - most),
            }
        )
    return parts


def sheet_paths(records: Mapping[str, Json]) -> Iterable[str]:
    """Yield the files whose images the contact sheets show."""
    for part in fidelity(records, most=10**9):
        for row in part["sheet"]:
            yield row["source"]
            yield from row["variants"]


def _round_robin(sheet: list[Json]) -> list[Json]:
    """Order sources so that cutting the sheet drops no class: the first of every class first."""
    seen: dict[str, int] = {}
    ranked = []
    for row in sheet:
        rank = seen[row["label"]] = seen.get(row["label"], 0) + 1
        ranked.append((rank, {**row}))
    return [row for _, row in sorted(ranked, key=lambda pair: pair[0])]
