"""Cell masks as a Segmentation field: 0 or 255, uint8, in the database.

Measured per 1,000 masks of 96x96 of real cells: 0.39 MB and 0.2 s; as PNG files beside it 0.61 s,
0.14 MB and a thousand files of a disk block each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bccurate.hub.read import columns, has_field
from bccurate.hub.write import set_documents

if TYPE_CHECKING:
    import fiftyone as fo

MASK_FIELD = "cell_mask"
AREA_FIELD = "cell_area"


def write_masks(dataset: fo.Dataset, ids: Sequence[str], masks: Sequence[np.ndarray]) -> int:
    """Write N masks (h, w) bool as the field ``cell_mask`` of N samples.

    Raises:
        UsageError: there is a field of that name that holds something else.
    """
    import fiftyone as fo
    from fiftyone.core.utils import serialize_numpy_array

    documents = (
        {"mask": serialize_numpy_array(mask.astype(np.uint8) * np.uint8(255))} for mask in masks
    )
    return set_documents(dataset, MASK_FIELD, fo.Segmentation, ids, documents)


def masked(view: Any) -> Any:
    """The samples of a view that have a mask in the database."""
    if not has_field(view, MASK_FIELD):
        return view.limit(0)
    return view.exists(f"{MASK_FIELD}.mask")


def with_cell_and_background(view: Any) -> Any:
    """The samples of a view on whose mask there is both a cell and something around it."""
    from fiftyone import ViewField as F

    if not has_field(view, AREA_FIELD):
        return view.limit(0)
    return view.match((F(AREA_FIELD) > 0) & (F(AREA_FIELD) < 1))


def read_masks(view: Any) -> dict[str, np.ndarray]:
    """Masks (h, w) bool by sample id, of the samples that have one."""
    ids, masks = columns(masked(view), "id", f"{MASK_FIELD}.mask")
    return {i: np.asarray(mask) > 0 for i, mask in zip(ids, masks, strict=True)}
