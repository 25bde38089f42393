"""Files to groups of duplicates: whole processes, interpreter and imports included.

``bccurate dedupe FOLDER`` confirms each near pair on its pixels. A peer gets the same folder, as
many threads or processes as there are cores, and 4 bits where it has a threshold (perception,
imagededup, the imagehash pool); imgdd and cleanvision find equal hashes only, fastdup compares by a
network's features. The imagehash pool compares all pairs in numpy. Peak memory adds up all
processes of a contender, taken in a round that is not timed.

With a dataset ``bccurate dedupe`` also starts and ends the database; it uses what ``import`` has
stored, unless the hashes are cleared first: then it decodes every file.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from pathlib import Path

from tests.bench import cells, peers
from tests.bench.commands import Shell
from tests.bench.measure import Row, Share, Skipped, versus
from tests.bench.peers import Contender, PeerFails, Run, contend

TITLE = "Files to groups"
ROUNDS = 5
WORKERS = os.cpu_count() or 1
OURS, ROTATED, DEDUPLICATOR = "dedupe FOLDER", "dedupe FOLDER --rotations", "imagededup"
GOALS = {
    "imagehash in a process pool": ">= 1",
    DEDUPLICATOR: ">= 10",
    "perception": ">= 3",
    "cleanvision": "> 1",
    "fastdup": "> 1",
}
CONTENDERS = {
    OURS: Contender("dedupe"),
    ROTATED: Contender("dedupe --rotations"),
    "imgdd (dhash)": Contender("groups_imgdd", "imgdd", WORKERS),
    "imgdd (phash)": Contender("groups_imgdd_phash", "imgdd", WORKERS),
    "imagehash in a process pool": Contender("groups_imagehash", "", WORKERS),
    DEDUPLICATOR: Contender("groups_imagededup", "imagededup", WORKERS),
    "perception": Contender("groups_perception", "Perception", WORKERS),
    "cleanvision": Contender("groups_cleanvision", "cleanvision", WORKERS),
    "fastdup": Contender("groups_fastdup", "fastdup", WORKERS),
}


def run(images: Path) -> list[Row]:
    """Compare the command on a folder, then on a dataset, with the peers."""
    folder = cells.flat(images, ".jpg")
    return [*_folder(folder), *_dataset(folder)]


def _folder(folder: Path) -> list[Row]:
    runs, failed = contend(CONTENDERS, folder, ROUNDS)
    ours = _seconds(runs[OURS])
    own = _describe(runs[OURS])
    rows: list[Row] = [
        versus(f"{ROTATED} / {OURS}", _seconds(runs[ROTATED]), ours, "<= 1.5",
               f"{_describe(runs[ROTATED])}; without: {own}")
    ]  # fmt: skip
    for name, goal in (("imgdd (phash)", "<= 1.6"), ("imgdd (dhash)", "")):
        if name in failed:
            rows.append(Skipped(f"{OURS} / {name}", failed[name], goal))
        else:
            note = f"{own}; {name}: {_describe(runs[name])}"
            rows.append(versus(f"{OURS} / {name}", ours, _seconds(runs[name]), goal, note))
    for name, goal in GOALS.items():
        what = f"{name} / {OURS}"
        if name in failed:
            rows.append(Skipped(what, failed[name], goal))
        else:
            rows.append(versus(what, _seconds(runs[name]), ours, goal, _describe(runs[name])))
    return rows


def _seconds(runs: list[Run]) -> list[float]:
    return [one.seconds for one in runs]


def _describe(runs: list[Run]) -> str:
    seconds = statistics.median(_seconds(runs))
    return f"{seconds:.2f} s, {runs[0].peak_mib:.0f} MiB, {runs[0].found} found"


def _dataset(folder: Path) -> list[Row]:
    seconds: dict[str, list[float]] = {"import": [], "dedupe": [], "cleared": [], "theirs": []}
    decoded = 0
    reason = ""
    with tempfile.TemporaryDirectory(prefix="bccurate-bench-home-") as home:
        shell = Shell(Path(home))
        for number in range(ROUNDS):
            name = f"cells{number}"
            seconds["import"].append(shell.run("import", folder, "--name", name)[1])
            seconds["dedupe"].append(shell.run("dedupe", "-d", name)[1])
            again, _ = shell.run("dedupe", "-d", name, "--json")
            decoded += json.loads(again)["decoded"]
            shell.clear_hashes(name)
            seconds["cleared"].append(shell.run("dedupe", "-d", name)[1])
            try:
                seconds["theirs"].append(peers.run(CONTENDERS[DEDUPLICATOR], folder).seconds)
            except PeerFails as failure:
                reason = str(failure)
    n = len(list(folder.iterdir())) * ROUNDS
    second = Share("files not decoded again by a second dedupe", n - decoded, n, ">= 1")
    return [*_dataset_rows(seconds, reason), second]


def _dataset_rows(seconds: dict[str, list[float]], reason: str) -> list[Row]:
    both = [a + b for a, b in zip(seconds["import"], seconds["dedupe"], strict=True)]
    ours = {
        "dedupe -d": (seconds["dedupe"], ">= 4"),
        "dedupe -d, hashes cleared": (seconds["cleared"], ">= 4"),
        "import, then dedupe -d": (both, ""),
    }
    if reason:
        return [Skipped(f"{DEDUPLICATOR} / {what}", reason, ours[what][1]) for what in ours]
    theirs = statistics.median(seconds["theirs"])
    return [
        versus(f"{DEDUPLICATOR} / {what}", seconds["theirs"], own, goal,
               f"{theirs:.1f} s against {statistics.median(own):.1f} s")
        for what, (own, goal) in ours.items()
    ]  # fmt: skip
