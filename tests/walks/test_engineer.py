"""Run the how-tos for engineers: a new model and a new operator of the App."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


def test_a_third_party_model_trains_explains_and_installs(walk):
    """docs/howto/zoo-plugin.md gives a model that trains and a package whose tests pass."""
    printed = walk("howto/zoo-plugin.md")
    assert "smear_net trained on" in printed and "Grad-CAM" in printed
    assert "2 passed" in printed


def test_a_third_party_operator_runs(walk):
    """docs/howto/operator.md gives an operator that returns a result."""
    assert "0 groups cross splits" in walk("howto/operator.md")
