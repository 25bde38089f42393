"""Recipes are defaults: settings given explicitly take precedence."""

from __future__ import annotations

import pytest

from bccurate.errors import UsageError
from bccurate.learning.recipes import RECIPES, with_recipe
from bccurate.workflows.training_run import make_settings


def test_given_settings_override_the_recipe() -> None:
    """None counts as not given."""
    chosen = with_recipe("robust", {"ema": 0.5, "augment": None, "epochs": 3})
    assert chosen == RECIPES["robust"] | {"ema": 0.5, "epochs": 3}
    assert with_recipe(None, {"ema": 0.5}) == {"ema": 0.5}


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_valid(name: str) -> None:
    """Its settings exist and are within their ranges."""
    assert make_settings(with_recipe(name, {})).augment == RECIPES[name]["augment"]


def test_an_unknown_recipe_or_setting_is_refused() -> None:
    """The error suggests a similar name."""
    with pytest.raises(UsageError, match="Did you mean robust"):
        with_recipe("robus", {})
    with pytest.raises(UsageError, match="Did you mean epochs"):
        make_settings({"epoch": 3})
