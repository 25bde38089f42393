"""Named sets of training settings; what a person gives beside them wins."""

from __future__ import annotations

from typing import Any

from bccurate.errors import UsageError, nearest

# docs/robustness-experiments.md tells what each part of ``robust`` is worth.
RECIPES: dict[str, dict[str, Any]] = {
    # Variants drawn once, as the paper saved them; three of an image in a batch: a third as it is,
    # a third under AugMix, a third under RandAugment, these with Gaussian noise.
    "paper": {"augment": "paper", "repeats": 3, "redraw": False},
    "robust": {
        "augment": "smear",
        "ramp": 0.4,
        "repeats": 3,
        "standardise": True,
        "batch_size": 16,
        "label_smoothing": 0.1,
        "ema": 0.999,
    },
}


def with_recipe(name: str | None, given: dict[str, Any]) -> dict[str, Any]:
    """The settings ``given`` (those that are not None) on top of the recipe's.

    Raises:
        UsageError: there is no such recipe.
    """
    if name is None:
        return given
    if name not in RECIPES:
        raise UsageError(f"There is no recipe {name!r}.{nearest(name, RECIPES)}")
    return RECIPES[name] | {key: value for key, value in given.items() if value is not None}
