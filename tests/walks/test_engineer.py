"""An engineer who adds a model, and one who adds an operator to the App."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


def test_a_strangers_model_trains_explains_and_installs(walk):
    """docs/howto/zoo-plugin.md: from two files to a package with its tests."""
    printed = walk("howto/zoo-plugin.md")
    assert "smear_net trained on" in printed and "Grad-CAM" in printed
    assert "2 passed" in printed


def test_a_strangers_operator_runs(walk):
    """docs/howto/operator.md: from two files to a result."""
    assert "0 groups cross splits" in walk("howto/operator.md")
