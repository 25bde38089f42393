"""Define named sets of training settings; options given explicitly take precedence."""

from __future__ import annotations

from typing import Any

from bccurate.errors import UsageError, nearest

# docs/robustness-experiments.md has the effect of each part of ``robust``.
RECIPES: dict[str, dict[str, Any]] = {
    # Variants drawn once, as the paper saved them to files; three of each image in a batch: the
    # original, AugMix, and RandAugment with Gaussian noise.
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
    """Return the recipe's settings, overridden by those ``given`` that are not None.

    Raises:
        UsageError: an unknown recipe.
    """
    if name is None:
        return given
    if name not in RECIPES:
        raise UsageError(f"There is no recipe {name!r}.{nearest(name, RECIPES)}")
    return RECIPES[name] | {key: value for key, value in given.items() if value is not None}
