"""Import against its floor: one plain Pillow decode loop plus one FiftyOne ``add_samples``."""

from __future__ import annotations

import resource
from pathlib import Path

from tests.bench.cells import files_of
from tests.bench.measure import Figure, figure, interleaved

TITLE = "Import"
ROUNDS = 3


def run(images: Path) -> list[Figure]:
    """Ratio of ``import_`` of a folder to decode loop + add_samples of the same paths."""
    import fiftyone as fo
    from PIL import Image

    import bccurate

    paths = files_of(images)

    # A new dataset each time: taking an old one away is not what is measured.
    names = [f"bench-{number}" for number in range(2 * ROUNDS)]

    def decode() -> None:
        for path in paths:
            with Image.open(path) as image:
                image.convert("RGB").load()

    def add() -> None:
        label = fo.Classification
        samples = [fo.Sample(str(p), ground_truth=label(label=p.parent.name)) for p in paths]
        fo.Dataset(names.pop()).add_samples(samples, progress=False)

    def ours() -> None:
        bccurate.import_(images, names.pop())

    seconds = interleaved({"decode": decode, "add": add, "ours": ours}, ROUNDS)
    ratios = [
        mine / (one + two)
        for one, two, mine in zip(seconds["decode"], seconds["add"], seconds["ours"], strict=True)
    ]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    note = f"{len(paths):,} files; peak memory of the whole process {peak:,.0f} MiB (goal 1,024)"
    return [figure("import / (Pillow decode loop + add_samples)", ratios, "<= 1.3", note)]
