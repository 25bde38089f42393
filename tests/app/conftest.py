"""One small dataset that has been through the whole job, and the plugins linked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

MODEL = "custom_cnn"


@pytest.fixture
def linked() -> Iterator[Path]:
    """FiftyOne's plugin folder with our plugins in it."""
    from bccurate.app.link import link, unlink
    from bccurate.hub.open import plugins_folder

    link()
    yield Path(plugins_folder())
    unlink()


@pytest.fixture(scope="session")
def reviewed(rendered: Path) -> Iterator[SimpleNamespace]:
    """A dataset with duplicates, outliers, splits, predictions and heatmaps of ``MODEL``."""
    import fiftyone as fo

    import bccurate

    name = f"t-app-{os.getpid()}"
    bccurate.import_(rendered, name=name)
    bccurate.dedupe(name)
    bccurate.outliers(name)
    bccurate.split(name)
    bccurate.train(MODEL, name, epochs=1, image_size=64, device="cpu")
    bccurate.evaluate(MODEL, name)
    bccurate.mistakes(MODEL, name)
    bccurate.explain(MODEL, name, view="test", device="cpu")
    yield SimpleNamespace(name=name, model=MODEL, dataset=fo.load_dataset(name))
    fo.delete_dataset(name)
