"""Shared data of the report's tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from plausible import plausible

from bccurate.reporting.report_data import ReportData


@pytest.fixture(scope="session")
def data() -> ReportData:
    """A plausible report of two models."""
    return plausible()
