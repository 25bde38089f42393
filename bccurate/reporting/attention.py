"""How much of a model's maps lies on the cells, as the report lays it out."""

from __future__ import annotations

from bccurate.reporting import charts
from bccurate.reporting.gallery import MOST_CLASSES, SPLITS
from bccurate.reporting.report_data import Json

HALF = 0.5


def attention(explain: Json | None) -> Json | None:
    """A row a class with a cell a split, and a map of them; None where nothing was measured.

    Samples without a split are shown as ``all`` where no sample has one. ``low``: whether over
    half of the maps' energy lies beside the cells, on the split that tells most.
    """
    measured = (explain or {}).get("attention")
    if not measured:
        return None
    by = {(row["split"], row["label"]): row for row in measured}
    splits: list[str | None] = [split for split in SPLITS if (split, None) in by] or [None]
    labels = sorted({label for split, label in by if label is not None and split in splits})
    telling = by.get((splits[-1], None))
    names = [split or "all" for split in splits]
    shares = {
        label: [(by.get((split, label)) or {}).get("attention") for split in splits]
        for label in labels[:MOST_CLASSES]
    }
    return {
        "splits": names,
        "rows": [(label, [by.get((split, label)) for split in splits]) for label in labels],
        "totals": [by.get((split, None)) for split in splits],
        "telling": telling,
        "low": telling and telling["attention"] < HALF,
        "map": charts.heat_map(shares, names, "Energy on the cell by class and split, percent"),
    }
