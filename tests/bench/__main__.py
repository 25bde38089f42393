"""``python -m tests.bench [--only NAME]``: run the benchmarks and write docs/benchmarks.md."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import sys
from pathlib import Path

# The database and home of the tests: a benchmark must not touch the user's data.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import conftest

from tests.bench.bench_import import AGAINST
from tests.bench.cells import folder_of_images
from tests.bench.page import merged, section

NAMES = (
    "help", "import", "spoilt", "hashing", "groups", "matching", "dedupe", "outliers",
    "predictions", "augmentation", "training", "mistakes", "gradcam", "heatmaps",
)  # fmt: skip
PAGE = conftest.ROOT / "docs" / "benchmarks.md"


def main() -> None:
    """Run the benchmarks; print the section of each and write it to the page when it ends."""
    from bccurate.hub.open import load_fiftyone

    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    known = [name for name in NAMES if importlib.util.find_spec(f"tests.bench.bench_{name}")]
    parser.add_argument(
        "--only", choices=known, action="append", help="run this one; may be repeated"
    )
    parser.add_argument("--against", type=Path, metavar="BCCURATE", help="compare import with it")
    parser.add_argument(
        "--data", type=Path, default=conftest.REAL_DATA, help="images to measure on"
    )
    given = parser.parse_args()
    if given.against:
        os.environ[AGAINST] = str(given.against.resolve())
    load_fiftyone()
    images = folder_of_images(given.data)
    modules = {name: importlib.import_module(f"tests.bench.bench_{name}") for name in known}
    titles = [module.TITLE for module in modules.values()]
    for name in given.only or known:
        module = modules[name]
        text = section(module.TITLE, module.__doc__, module.run(images))
        print(text, flush=True)
        page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        PAGE.write_text(merged(page, {module.TITLE: text}, titles), encoding="utf-8")


if __name__ == "__main__":
    main()
