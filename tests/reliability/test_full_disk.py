"""A full disk, a read-only disk and too few file handles end in an error and lose nothing."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bccurate.errors import HubError, NoSpaceError
from tests.reliability.faults import Ended, Place

NAME = "cells"
LEFT = 16 << 10  # free bytes: less than any of the files that are written
LOCKS = {"turns", "locks"}  # folders of lock files, of which a command writes its own
MODEL = ("custom_cnn", "-d", NAME, "--epochs", 1, "--image-size", 64, "--precision", "float32",
         "--device", "cpu")  # fmt: skip


def command_line(*args: object) -> Callable[[], None]:
    """Return a function that runs a command line, through the console script's ``main``."""

    def run() -> None:
        import sys

        from bccurate.cli import main

        sys.argv = ["bccurate", *map(str, args)]
        main()

    return run


@pytest.fixture(scope="module")
def disk(tmp_path_factory) -> Iterator[Path]:
    """A disk of 192 MB; a checkpoint is three times as large as the weights."""
    folder = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=192m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def place(disk: Path, tmp_path_factory) -> Place:
    """A home folder on that disk, with a dataset that is split and a trained model."""
    import torch  # noqa: F401  # before the forks

    from bccurate import sample
    from bccurate.hub.open import load_fiftyone

    load_fiftyone()
    cells = tmp_path_factory.mktemp("few") / "cells"
    sample(cells, n=64, seed=7)
    (disk / "place").mkdir()
    notes = tmp_path_factory.mktemp("notes")
    place = Place(disk / "place", os.environ["FIFTYONE_DATABASE_URI"], notes)
    for line in (
        ("import", cells, "--name", NAME), ("split", "-d", NAME),
        ("report", "-d", NAME, "--out", disk / "report.html"), ("train", *MODEL),
    ):  # fmt: skip
        ended = place.run(command_line(*line))
        assert ended.code == 0, ended.output
    place.save("good")
    return place


def _checksums(folder: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "filler"
    }


def _fill(disk: Path, free: int) -> Path:
    filler = disk / "filler"
    with open(filler, "wb") as file:
        file.write(bytes(max(0, shutil.disk_usage(disk).free - free)))
    return filler


def _unreadable(place: Place) -> int:
    dataset = place.database["datasets"].find_one()
    samples = place.database[dataset["sample_collection_name"]]
    return samples.count_documents({"tags": "unreadable"})


WRITERS = {
    "weights": ("train", *MODEL, "--seed", 5),
    "variants": ("augment", "randaugment", "-d", NAME),
    "report": ("report", "-d", NAME, "--out", "{disk}/report.html"),
    "images": ("background", "-d", NAME),
    "export": ("export", "{disk}/out", "-d", NAME),
}


def _failed(ended: Ended, code: int, *words: str) -> None:
    assert ended.code == code, ended.output
    assert ended.code != 1 and "Traceback" not in ended.output, ended.output
    for word in (*words, "try: "):
        assert word in ended.output, ended.output


@pytest.mark.parametrize("what", WRITERS)
def test_a_full_disk_exits_with_7_and_changes_no_file(place: Place, disk: Path, what: str) -> None:
    """Old files are unchanged, no partial file stays; with free space the same command succeeds."""
    place.restore("good")
    line = [str(arg).format(disk=disk) for arg in WRITERS[what]]
    before = _checksums(disk)
    filler = _fill(disk, LEFT)
    ended = place.run(command_line(*line))
    after = _checksums(disk)
    filler.unlink()
    _failed(ended, 7, "No space left")
    kept = [path for path in before if not LOCKS & {*path.split("/")}]
    assert [after.get(path) for path in kept] == [before[path] for path in kept]
    assert not [path for path in after if path.endswith(".tmp")]
    assert place.run(command_line(*line)).code == 0


@pytest.mark.parametrize("what", WRITERS)
def test_a_read_only_disk_exits_with_4_and_names_the_file(
    place: Place, disk: Path, what: str
) -> None:
    """The message says which file cannot be written."""
    shutil.rmtree(disk / "out", ignore_errors=True)  # else the export is already up to date
    place.restore("good")
    line = [str(arg).format(disk=disk) for arg in WRITERS[what]]
    try:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        ended = place.run(command_line(*line))
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    _failed(ended, 4, "Cannot write", "Read-only file system")


@pytest.mark.parametrize(
    "line",
    [
        ("import", "{disk}/new", "--name", NAME),
        ("dedupe", "-d", NAME),
        ("train", *MODEL, "--seed", 6),
        ("augment", "augmix", "-d", NAME),
        ("report", "-d", NAME, "--out", "{disk}/report.html"),
    ],
    ids=lambda line: line[0],
)
def test_too_many_open_files_exit_with_4_or_5_and_tag_no_image_unreadable(
    place: Place, disk: Path, line: tuple, rendered: Path
) -> None:
    """At any limit the command succeeds or exits with 4 or 5; valid files stay readable."""
    place.restore("good")
    unreadable = _unreadable(place)
    if not (disk / "new").exists():
        shutil.copytree(rendered / "images" / "monocyte", disk / "new")
    arguments = [str(arg).format(disk=disk) for arg in line]
    codes = set()
    for free in (0, 2, 5, 12):

        def work(free: int = free) -> None:
            import torch._dynamo  # noqa: F401  # as the command would with enough handles

            taken = set(map(int, os.listdir("/proc/self/fd")))
            limit = [n for n in range(2000) if n not in taken][free]
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            command_line(*arguments)()

        ended = place.run(work)
        codes.add(ended.code)
        assert ended.code in (0, 4, 5), ended.output
        assert ended.code != 1 and "Traceback" not in ended.output, ended.output
    assert 4 in codes or 5 in codes
    assert place.run(command_line(*arguments)).code == 0
    assert _unreadable(place) == unreadable


@pytest.mark.parametrize(("free", "error"), [(1 << 20, NoSpaceError), (1 << 30, HubError)])
def test_a_database_that_ended_on_a_full_disk_exits_with_7(
    monkeypatch, tmp_path: Path, free, error
) -> None:
    """MongoDB exits when its disk is full: without free space that is exit code 7, else 5."""
    from pymongo.errors import AutoReconnect

    from bccurate.hub import open as hub

    usage = shutil.disk_usage(tmp_path)._replace(free=free)
    monkeypatch.setattr(hub.shutil, "disk_usage", lambda folder: usage)
    monkeypatch.setattr(hub, "_database_folder", lambda: str(tmp_path))
    monkeypatch.setattr(hub, "_hang_up", lambda: None)  # the test's own connection works
    with pytest.raises(error), hub.database_errors():
        raise AutoReconnect("connection closed")
