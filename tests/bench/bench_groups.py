"""Files to groups of duplicates, with no database between, by two workers; then whole processes.

Each contender is a process of its own: interpreter and imports are not counted, the start of its
workers is. ``bccurate`` confirms each near pair on its pixels. A peer gets the same folder, two
threads or processes, and 4 bits where it has a threshold (perception, imagededup, the imagehash
pool); imgdd and cleanvision find equal hashes only, fastdup compares by a network's features. Peak
memory adds up all processes of a contender, taken in a round that is not timed. A contender of
more than 15 seconds runs once.

Whole processes count everything: interpreter, imports, the database's start and end. ``dedupe``
uses what ``import`` has stored, unless its facts are dropped first: then it decodes every file.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from tests.bench import cells, peers
from tests.bench.measure import Row, Share, Skipped, versus
from tests.bench.peers import ROOT, Contender, PeerFails, Run, contend, process

TITLE = "Files to groups"
ROUNDS, WHOLE_ROUNDS = 9, 3  # whole processes take minutes
WORKERS = 2
OURS, TURNED, DEDUPLICATOR = "bccurate", "bccurate --rotations", "imagededup"
GOALS = {
    "imgdd (dhash)": ">= 1",
    "imgdd (phash)": ">= 1",
    "imagehash in a process pool": ">= 2",
    DEDUPLICATOR: ">= 10",
    "perception": "> 1",
    "cleanvision": "> 1",
    "fastdup": "> 1",
}
CONTENDERS = {
    OURS: Contender("groups_bccurate", "", WORKERS),
    TURNED: Contender("groups_bccurate_rotations", "", WORKERS),
    "imgdd (dhash)": Contender("groups_imgdd", "imgdd", WORKERS),
    "imgdd (phash)": Contender("groups_imgdd_phash", "imgdd", WORKERS),
    "imagehash in a process pool": Contender("groups_imagehash", "", WORKERS),
    DEDUPLICATOR: Contender("groups_imagededup", "imagededup", WORKERS),
    "perception": Contender("groups_perception", "Perception", WORKERS),
    "cleanvision": Contender("groups_cleanvision", "cleanvision", WORKERS),
    "fastdup": Contender("groups_fastdup", "fastdup", WORKERS),
}


def run(images: Path) -> list[Row]:
    """The cells as they come, then whole processes."""
    folder = cells.flat(images, ".jpg")
    return [*_groups("JPEG", folder), *_whole(folder)]


def _groups(kind: str, folder: Path) -> list[Row]:
    runs, failed = contend(CONTENDERS, folder, ROUNDS)
    ours = _seconds(runs[OURS])
    rows: list[Row] = [
        versus(f"{kind}: {TURNED} / {OURS}", _seconds(runs[TURNED]), ours, "<= 1.5",
               f"{_told(runs[TURNED])}; without: {_told(runs[OURS])}")
    ]  # fmt: skip
    for name, goal in GOALS.items():
        what = f"{kind}: {name} / {OURS}"
        if name in failed:
            rows.append(Skipped(what, failed[name], goal))
        else:
            rows.append(versus(what, _seconds(runs[name]), ours, goal, _told(runs[name])))
    return rows


def _seconds(runs: list[Run]) -> list[float]:
    return [one.seconds for one in runs]


def _told(runs: list[Run]) -> str:
    seconds = statistics.median(_seconds(runs))
    return f"{seconds:.2f} s, {runs[0].peak_mib:.0f} MiB, {runs[0].found} found"


# ---- whole processes ----


def _whole(folder: Path) -> list[Row]:
    seconds: dict[str, list[float]] = {"import": [], "dedupe": [], "dropped": [], "theirs": []}
    decoded = 0
    reason = ""
    with tempfile.TemporaryDirectory(prefix="bccurate-bench-home-") as home:
        shell = _Shell(Path(home))
        for turn in range(WHOLE_ROUNDS):
            name = f"cells{turn}"
            seconds["import"].append(shell.bccurate("import", folder, "--name", name)[1])
            seconds["dedupe"].append(shell.bccurate("dedupe", "-d", name)[1])
            again, _ = shell.bccurate("dedupe", "-d", name, "--json")
            decoded += json.loads(again)["decoded"]
            shell.drop_facts(name)
            seconds["dropped"].append(shell.bccurate("dedupe", "-d", name)[1])
            try:
                theirs = peers.run(CONTENDERS[DEDUPLICATOR], folder)
                seconds["theirs"].append(theirs.whole_seconds)
            except PeerFails as failure:
                reason = str(failure)
    return [*_processes(seconds, reason), _second(decoded, folder)]


def _processes(seconds: dict[str, list[float]], reason: str) -> list[Row]:
    both = [a + b for a, b in zip(seconds["import"], seconds["dedupe"], strict=True)]
    ours = {
        "bccurate dedupe": (seconds["dedupe"], ">= 4"),
        "bccurate dedupe, facts dropped": (seconds["dropped"], ">= 4"),
        "bccurate import, then dedupe": (both, ""),
    }
    if reason:
        return [Skipped(f"whole process: {DEDUPLICATOR} / {w}", reason, ours[w][1]) for w in ours]
    theirs = statistics.median(seconds["theirs"])
    return [
        versus(f"whole process: {DEDUPLICATOR} / {what}", seconds["theirs"], own, goal,
               f"{theirs:.1f} s against {statistics.median(own):.1f} s")
        for what, (own, goal) in ours.items()
    ]  # fmt: skip


def _second(decoded: int, folder: Path) -> Share:
    n = len(list(folder.iterdir())) * WHOLE_ROUNDS
    return Share("files not decoded again by a second dedupe", n - decoded, n, ">= 1")


class _Shell:
    """Commands as a person types them, with a home and a database of their own."""

    def __init__(self, home: Path) -> None:
        own = {"HOME": home, "BCCURATE_HOME": home / "bccurate",
               "FIFTYONE_DATABASE_DIR": home / "db", "PYTHONPATH": ROOT}  # fmt: skip
        self._env = {**os.environ, **{name: str(value) for name, value in own.items()}}
        # Without it FiftyOne starts a database for each process, which is part of the time.
        self._env.pop("FIFTYONE_DATABASE_URI", None)

    def bccurate(self, *words: object) -> tuple[str, float]:
        """Output and seconds."""
        command = [sys.executable, "-m", "bccurate", *map(str, words)]
        out, seconds, _ = process(command, self._env, watch=False)
        return out, seconds

    def drop_facts(self, name: str) -> None:
        """As if the samples had been added by FiftyOne alone."""
        code = f"import fiftyone as fo; fo.load_dataset({name!r}).clear_sample_field('phash')"
        process([sys.executable, "-c", code], self._env, watch=False)
