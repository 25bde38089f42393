"""Import against its floor: one plain Pillow decode loop plus one FiftyOne ``add_samples``.

``--against BCCURATE`` also compares ``bccurate import``, whole process with the start and end of
the database, with the same command of another checkout.
"""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
from pathlib import Path

from tests.bench.cells import files_of
from tests.bench.commands import OURS, Shell
from tests.bench.measure import Figure, figure, interleaved, versus

TITLE = "Import"
ROUNDS = 5
AGAINST = "BCCURATE_BENCH_AGAINST"  # in the environment: the other bccurate


def run(images: Path) -> list[Figure]:
    """Compare ``import_`` of a folder with decode loop + add_samples of the same paths."""
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
    rows = [figure("import / (Pillow decode loop + add_samples)", ratios, "<= 1.3", note)]
    other = os.environ.get(AGAINST)
    return [*rows, _against(Path(other), images)] if other else rows


def _against(other: Path, images: Path) -> Figure:
    """Compare whole processes of the two commands."""
    with tempfile.TemporaryDirectory(prefix="bccurate-bench-") as folder:
        shells = {"ours": Shell(Path(folder) / "ours", OURS),
                  "theirs": Shell(Path(folder) / "theirs", [str(other)])}  # fmt: skip
        seconds: dict[str, list[float]] = {name: [] for name in shells}
        for number in range(ROUNDS):
            for name, shell in shells.items():
                seconds[name].append(shell.run("import", images, "--name", f"cells{number}")[1])
    note = " against ".join(f"{statistics.median(seconds[name]):.1f} s" for name in shells)
    return versus("import / import of the other checkout", seconds["ours"], seconds["theirs"],
                  "<= 1.2", note)  # fmt: skip
