"""The sections on images: from records to what the template lays out, one pure function each.

A section is None where its record is missing; the template then names the command that makes it.
"""

from __future__ import annotations

import math
from typing import Any

from bccurate.reporting import intensity
from bccurate.reporting.fidelity import fidelity, variant_runs
from bccurate.reporting.gallery import MOST_CLASSES, SPLITS, Caps, picture, uri_of
from bccurate.reporting.report_data import Json, ReportData
from bccurate.reporting.text import pretty_record


def classes(data: ReportData) -> Json | None:
    """Table 1: a row a class. ``share`` is relative to the largest class, for the bar.

    Columns that are zero all the way down are left out.
    """
    info, imported = data.records.get("info"), data.records.get("import") or {}
    if not info and not imported:
        return None
    rows = [{"label": k, "n": n} for k, n in imported.get("class_counts", {}).items()]
    if info:
        rows = info["classes"]
        if rows and rows[-1].get("label") == "total":
            rows = rows[:-1]  # the record ends with the sums, which are made anew below
    keys = [key for key in (rows[0] if rows else {}) if any(row.get(key) for row in rows)]
    counts = [row.get("n") or 0 for row in rows]
    most = max(counts, default=0) or 1
    unreadable = imported.get("unreadable", [])
    return {
        "header": [{"n": "images"}.get(key, key.replace("_", " ")) for key in keys],
        "rows": [
            ([row.get(key) for key in keys], n / most) for row, n in zip(rows, counts, strict=True)
        ],
        "totals": [_total([row.get(key) for row in rows]) for key in keys[1:]],
        "n": sum(counts),
        "sizes": sorted((info or {}).get("sizes", {}).items(), key=lambda item: -item[1])[:6],
        "unreadable": unreadable[:8],
        "unreadable_count": len(unreadable),
    }


def _total(values: list[Any]) -> int | None:
    whole = all(isinstance(v, int) and not isinstance(v, bool) for v in values)
    return sum(values) if whole and values else None


def gravest_first(groups: list[Json]) -> list[Json]:
    """Duplicate groups: contamination, then labels in conflict, then the largest."""
    return sorted(
        groups,
        key=lambda g: (not g.get("contamination"), not g["conflict"], -len(g["members"])),
    )


def duplicates(data: ReportData, caps: Caps) -> Json | None:
    """Counts and a gallery of groups, the gravest first, each with its weakest pair's reason."""
    record = data.records.get("dedupe")
    if not record:
        return None
    groups = gravest_first(record["groups"])
    gallery = []
    for group in groups[: caps.groups]:
        keep = group.get("keep")
        members = sorted(group["members"], key=lambda path: path != keep)
        shown = [picture(data, path, path == keep) for path in members[: caps.members]]
        pairs = sorted(group.get("pairs", []), key=lambda pair: pair["similarity"])
        why = pairs[0]["why"] if pairs else None
        gallery.append({**group, "shown": shown, "more": len(members) - len(shown), "why": why})
    return {
        "counts": record.get("counts", {}),
        "method": record.get("method"),
        "threshold": record.get("threshold"),
        "gallery": gallery,
        "more": len(groups) - len(gallery),
    }


def leaks(data: ReportData, caps: Caps) -> Json | None:
    """Counts and a gallery of the groups that cross splits."""
    if data.leaks is None:
        return None
    groups = data.leaks
    gallery = [
        {
            **group,
            "labels": sorted({row["label"] or "–" for row in group["members"]}),
            "shown": [(row, picture(data, row["filepath"])) for row in shown],
            "more": len(group["members"]) - len(shown),
        }
        for group, shown in shown_leaks(groups, caps.groups, caps.members)
    ]
    return {
        "n": len(groups),
        "samples": len({row["filepath"] for group in groups for row in group["members"]}),
        "with_test": sum("test" in group["splits"] for group in groups),
        "gallery": gallery,
        "more": len(groups) - len(gallery),
    }


def shown_leaks(groups: list[Json], most: int, members: int) -> list[tuple[Json, list[Json]]]:
    """At most ``most`` groups, each with at most ``members`` of its own, a split after another.

    Those of test come first: its figures are the ones to be believed.
    """
    order = sorted(groups, key=lambda g: ("test" not in g["splits"], -len(g["members"])))
    return [(group, _one_of_each(group["members"], members)) for group in order[:most]]


def _one_of_each(members: list[Json], most: int) -> list[Json]:
    """At most ``most`` members in the order of their splits, every split among them."""
    seen: dict[str, int] = {}
    ranked = []
    for row in members:
        rank = seen[row["split"]] = seen.get(row["split"], 0) + 1
        ranked.append((rank, row))
    kept = [row for _, row in sorted(ranked, key=lambda pair: pair[0])[:most]]
    return sorted(kept, key=lambda row: SPLITS.index(row["split"]))


def outliers(data: ReportData, caps: Caps) -> Json | None:
    """A panel a class and the worst images. All panels share their scales."""
    record = data.records.get("outliers")
    if not record:
        return None
    per_class = record.get("per_class", {})
    points = [point for values in data.intensities.values() for point in values]
    x, y = _scale([p[0] for p in points]), _scale([p[1] for p in points])
    # Where there are more classes than fit, those with outliers are the ones to look at.
    order = sorted(data.intensities.items(), key=lambda kv: -sum(out for _, _, out in kv[1]))
    fit = dict(order[:MOST_CLASSES])
    found = record["outliers"]
    beside = intensity.worst_by_class(found, caps.beside)
    plots = [
        {
            "label": label,
            "n": len(values),
            "outliers": sum(out for _, _, out in values),
            "svg": intensity.panel(
                label,
                values,
                per_class.get(label),
                x,
                y,
                [(row, uri_of(data, row["filepath"])) for row in beside.get(label, [])],
            ),
        }
        for label, values in data.intensities.items()
        if label in fit
    ]
    foreign = (record.get("embedding") or {}).get("outliers", [])
    worst, far = (
        [(row, picture(data, row["filepath"])) for row in rows[: caps.outliers]]
        for rows in (found, foreign)
    )
    most = max(map(len, fit.values()), default=0)
    return {
        "record": record,
        "n": len(found),
        "plots": plots,
        "more_plots": len(data.intensities) - len(plots),
        "thinned": intensity.MOST_DOTS if most > intensity.MOST_DOTS else 0,
        "worst": worst,
        "more": len(found) - len(worst),
        "foreign": far,
    }


def _scale(values: list[float]) -> tuple[float, float]:
    """A scale from ten to ten, within 0 to 255, that holds all finite values."""
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return 0.0, 255.0
    return max(0.0, math.floor(min(finite) / 10) * 10), min(255.0, math.ceil(max(finite) / 10) * 10)


def split(data: ReportData) -> Json | None:
    """The split table, and what augmentation added to the training part."""
    record = data.records.get("split")
    if not record:
        return None
    counts = record["counts"]
    names = [name for name in SPLITS if name in counts]
    names += [name for name in counts if name not in names]
    labels = sorted({label for name in names for label in counts[name]})
    total = sum(sum(counts[name].values()) for name in names)
    return {
        "names": names,
        "rows": [(label, [counts[name].get(label, 0) for name in names]) for label in labels],
        "totals": [sum(counts[name].values()) for name in names],
        "shares": [sum(counts[name].values()) / total if total else 0 for name in names],
        "kept_whole": record.get("groups_kept_whole", 0),
        "seed": record.get("seed"),
        "augmented": variant_runs(data.records),
    }


def variants(data: ReportData, caps: Caps) -> list[Json]:
    """How far the variants of each kind are from their sources, with pictures side by side."""
    parts = fidelity(data.records, caps.variants)
    for part in parts:
        for row in part["sheet"]:
            own = [picture(data, path) for path in row["variants"]]
            row["pictures"] = [picture(data, row["source"], kept=True), *own]
    return parts


def removed(data: ReportData, caps: Caps) -> list[Json]:
    """A picture a class beside itself without its background."""
    return [
        {"label": label, "pictures": [picture(data, path) for path in paths]}
        for label, *paths in data.removed[: caps.removed]
    ]


def runs(data: ReportData) -> list[tuple[str, str]]:
    """Name and shortened JSON of every record."""
    found = list(data.records.items())
    for model in data.models:
        parts = ("train", "evaluate", "corruptions", "mistakes", "explain")
        found += [(f"{part} {model.name}", getattr(model, part)) for part in parts]
    return [(name, pretty_record(record)) for name, record in found if record]
