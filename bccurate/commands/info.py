"""``bccurate info``: the class table (the paper's Table 1), sizes, and what was run."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bccurate.hub import runs
from bccurate.hub.open import opened
from bccurate.hub.read import columns, label_path
from bccurate.hub.views import SPLITS, VARIANT
from bccurate.records import InfoRecord
from bccurate.settings.in_use import dataset_in_use

NOT_LABELLED = "(none)"
COUNTED = (
    "duplicate", "outlier", "label_conflict", "contamination", "unreadable", *SPLITS, "leak",
)  # fmt: skip


def info(dataset: str | None = None) -> InfoRecord:
    """Count samples by class and tag; variants count in a column of their own."""
    name = dataset_in_use(dataset)
    with opened(name) as hub:
        labels, tags, widths, heights = columns(
            hub, label_path(hub), "tags", "metadata.width", "metadata.height"
        )
        sizes = Counter(f"{w}x{h}" for w, h in zip(widths, heights, strict=True) if w and h)
        return InfoRecord(
            dataset=name,
            n=len(labels),
            classes=_class_table(labels, tags),
            sizes=dict(sizes.most_common(8)),
            views=sorted(hub.list_saved_views()),
            runs=runs.overview(hub),
            changed=True,
        )


def _class_table(labels: list[str | None], tags: list[list[str]]) -> list[dict[str, Any]]:
    counts: dict[str, Counter[str]] = {}
    for label, own in zip(labels, tags, strict=True):
        row = counts.setdefault(label or NOT_LABELLED, Counter())
        if VARIANT in own:
            row["variants"] += 1
        else:
            row.update(["n", *own])
    table = [_row(label, counts[label]) for label in sorted(counts)]
    return [*table, _row("total", sum(counts.values(), Counter()))]


def _row(label: str, counts: Counter[str]) -> dict[str, Any]:
    names = ("n", *COUNTED, "variants")
    return {"label": label, **{name: counts[name] for name in names}}
