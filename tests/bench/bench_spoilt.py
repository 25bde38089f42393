"""Import of a folder in which every eleventh file is spoilt, against one of sound files alone.

500 files spoilt in twelve ways among 5,000 rendered cells; the same 5,000 alone; 5,500 sound ones.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from tests.bench.measure import Row, interleaved, versus
from tests.security.spoilt import write

TITLE = "Import of spoilt files"
ROUNDS = 7
GOOD, BAD = 5000, 500


def run(images: Path) -> list[Row]:
    """Ratios of three imports; ``images`` are not used: files are spoilt that are known whole."""
    import bccurate

    parent = Path(tempfile.mkdtemp(prefix="bccurate-bench-spoilt-"))
    sizes = {"spoilt": (GOOD, BAD), "alone": (GOOD, 0), "sound": (GOOD + BAD, 0)}
    for name, (good, bad) in sizes.items():
        write(parent / name, good, bad)
    # A new dataset each time: taking an old one away is not what is measured.
    names = [f"spoilt-{number}" for number in range(len(sizes) * (ROUNDS + 1))]

    def importing(name: str) -> None:
        bccurate.import_(parent / name, names.pop())

    jobs = {name: partial(importing, name) for name in sizes}
    interleaved(jobs, 1)  # the first reads the files from the disk
    seconds = interleaved(jobs, ROUNDS)
    ours = f"import of {GOOD:,} sound and {BAD} spoilt files"
    return [
        versus(f"{ours} / of {GOOD + BAD:,} sound", seconds["spoilt"], seconds["sound"], "<= 1.05"),
        versus(f"{ours} / of the {GOOD:,} alone", seconds["spoilt"], seconds["alone"], ""),
    ]
