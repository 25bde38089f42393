"""How far variants are from their sources, as the report lays it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bccurate.reporting.report_data import Json

KINDS = ("augmix", "randaugment")


def variant_runs(records: Mapping[str, Json]) -> list[Json]:
    """The records of ``augment``, a kind after another."""
    found = (records.get(f"augment_{kind}") for kind in KINDS)
    return [record for record in found if record]


def fidelity(records: Mapping[str, Json], most: int) -> list[Json]:
    """A table and a sheet of at most ``most`` sources for each kind that was measured."""
    parts = []
    for record in variant_runs(records):
        measured = record.get("fidelity")  # records of older releases have none
        if not measured:
            continue
        sheet = _a_class_in_turn(measured["pictures"])
        parts.append(
            {
                "kind": record["kind"],
                "measured": measured,
                "warnings": record.get("warnings", []),
                "sheet": sorted(sheet[:most], key=lambda row: row["label"]),
                "more": max(0, len(sheet) - most),
            }
        )
    return parts


def sheet_paths(records: Mapping[str, Json]) -> Iterable[str]:
    """The files whose pictures the sheets show."""
    for part in fidelity(records, most=10**9):
        for row in part["sheet"]:
            yield row["source"]
            yield from row["variants"]


def _a_class_in_turn(sheet: list[Json]) -> list[Json]:
    """The first source of every class, then the second: a cut takes no class whole."""
    seen: dict[str, int] = {}
    ranked = []
    for row in sheet:
        rank = seen[row["label"]] = seen.get(row["label"], 0) + 1
        ranked.append((rank, {**row}))
    return [row for _, row in sorted(ranked, key=lambda pair: pair[0])]
