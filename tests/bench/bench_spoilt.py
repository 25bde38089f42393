"""Import of a folder in which 1 of 11 files is corrupt, against a folder of intact files.

5,000 rendered cells and 500 files corrupted in twelve ways; the 5,000 alone; 5,500 intact ones.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from tests.bench.measure import Row, interleaved, versus
from tests.security.spoilt import write

TITLE = "Import of corrupt files"
ROUNDS = 7
GOOD, BAD = 5000, 500


def run(images: Path) -> list[Row]:
    """Return ratios of three imports; ``images`` are not used, since some may be corrupt."""
    import bccurate

    parent = Path(tempfile.mkdtemp(prefix="bccurate-bench-spoilt-"))
    sizes = {"corrupt": (GOOD, BAD), "alone": (GOOD, 0), "intact": (GOOD + BAD, 0)}
    for name, (good, bad) in sizes.items():
        write(parent / name, good, bad)
    # A new dataset each time, so that deleting one is not measured.
    names = [f"spoilt-{number}" for number in range(len(sizes) * (ROUNDS + 1))]

    def importing(name: str) -> None:
        bccurate.import_(parent / name, names.pop())

    jobs = {name: partial(importing, name) for name in sizes}
    interleaved(jobs, 1)  # reads the files from the disk
    seconds = interleaved(jobs, ROUNDS)
    ours = f"import of {GOOD:,} intact and {BAD} corrupt files"
    return [
        versus(
            f"{ours} / of {GOOD + BAD:,} intact", seconds["corrupt"], seconds["intact"], "<= 1.05"
        ),
        versus(f"{ours} / of the {GOOD:,} alone", seconds["corrupt"], seconds["alone"], ""),
    ]
