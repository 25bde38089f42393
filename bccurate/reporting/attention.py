"""How much of a model's maps lies on the cells, as the report lays it out."""

from __future__ import annotations

from bccurate.reporting.data import Json

HALF = 0.5


def attention(explain: Json | None, split: str | None) -> Json | None:
    """A row a class of the split ``split``, all of it last; None where nothing was measured.

    ``low``: whether over half of the maps' energy lies beside the cells.
    """
    rows = (explain or {}).get("attention")
    if not rows:
        return None
    own = [row for row in rows if row["split"] == split] or [r for r in rows if r["split"] is None]
    total = next((row for row in own if row["label"] is None), None)
    return {
        "split": own[0]["split"],
        "rows": [row for row in own if row["label"] is not None],
        "total": total,
        "low": total and total["attention"] < HALF,
    }
