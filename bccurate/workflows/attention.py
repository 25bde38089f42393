"""How much of a model's Grad-CAM maps lies on the cells: fields, a view, and means by class."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from bccurate.hub import views
from bccurate.hub.heatmaps import read_heatmaps
from bccurate.hub.masks import masked, read_masks
from bccurate.hub.read import columns, label_path
from bccurate.hub.write import clear_fields, set_column
from bccurate.progress import track

BATCH = 1000  # maps and masks held at a time
Row = dict[str, Any]


def attention_fields(model: str) -> tuple[str, str, str]:
    """The fields of energy, lift and pointing game; ``model`` is a field name."""
    return f"attention_on_cell_{model}", f"attention_lift_{model}", f"pointing_game_{model}"


def attention_view(model: str) -> str:
    """The saved view of a model's maps, least on the cell first."""
    return f"looks_at_background_{model}"


def forget_attention(hub: Any, model: str) -> None:
    """Clear what other maps or other masks gave."""
    clear_fields(hub, attention_fields(model))


def measure_attention(hub: Any, model: str) -> tuple[int, list[Row] | None]:
    """Measure the maps ``gradcam_<model>`` of all samples that have a ``cell_mask``, too.

    What has been measured stays.

    Returns:
        how many values were written, and the means: over all, by split, by label and by both;
        None where no sample has a mask.
    """
    heat, (energy, lift, hit) = f"gradcam_{model}", attention_fields(model)
    both = masked(hub.exists(f"{heat}.range"))
    if not len(both):
        return 0, None
    ids, there = columns(both, "id", energy)
    todo = [sample for sample, value in zip(ids, there, strict=True) if value is None]
    starts = range(0, len(todo), BATCH)
    written = sum(
        _measure(hub.select(todo[start : start + BATCH]), heat, (energy, lift, hit))
        for start in track(starts, len(starts), "attention on the cell")
    )
    if hub.get_field(energy) is None:  # no map has any evidence
        return 0, []
    name = attention_view(model)
    views.save(hub, name, views.originals(hub).exists(energy).sort_by(energy))
    return written, _means(hub.exists(energy), (energy, lift, hit))


def _measure(part: Any, heat: str, fields: tuple[str, str, str]) -> int:
    from bccurate.explanation.attention import attention

    maps, masks = read_heatmaps(part, heat), read_masks(part)
    pairs = ((sample, attention(maps[sample], mask)) for sample, mask in masks.items())
    found = {sample: one for sample, one in pairs if one is not None}
    ids, ones = list(found), list(found.values())
    energy, lift, hit = fields
    set_column(part, hit, ids, [one.hit for one in ones])
    set_column(part, lift, ids, [one.lift for one in ones])
    return set_column(part, energy, ids, [one.energy for one in ones])  # last: it says done


def _means(view: Any, fields: tuple[str, str, str]) -> list[Row]:
    """``[{"split", "label", "n", "attention", "lift", "pointing_game"}]``; None is all of them."""
    from bccurate.explanation.attention import summary

    groups: dict[tuple[str | None, str | None], list[tuple[float, float, bool]]]
    groups = defaultdict(list)
    labels, tags, *values = columns(view, label_path(view), "tags", *fields)
    for label, own, *row in zip(labels, tags, *values, strict=True):
        split = next((s for s in views.SPLITS if s in own), None)
        for key in {(None, None), (split, None), (None, label), (split, label)}:
            groups[key].append(tuple(row))
    order = {split: number for number, split in enumerate((None, *views.SPLITS))}
    return [
        {"split": split, "label": label, **summary(*zip(*groups[split, label], strict=True))}
        for split, label in sorted(groups, key=lambda key: (order[key[0]], key[1] or ""))
    ]
