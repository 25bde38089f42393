"""Two commands at once on one dataset: one waits for the other, nothing is lost or doubled."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import fiftyone as fo
import pytest

import bccurate
from bccurate.hub.write_lock import write_lock

MODEL = "custom_cnn"


def _command(*args: object) -> subprocess.Popen:
    line = [sys.executable, "-m", "bccurate", *map(str, args)]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _end(*commands: subprocess.Popen) -> None:
    for command in commands:
        _, err = command.communicate(timeout=900)
        assert command.returncode == 0, err


def test_two_imports_of_one_folder_store_each_file_once(rendered: Path, name: str) -> None:
    """Both exit with 0; every file and every field is there once."""
    _end(*(_command("import", rendered, "--name", name) for _ in range(2)))
    dataset = fo.load_dataset(name)
    dataset.reload()
    paths = dataset.values("filepath")
    assert len(paths) == len(set(paths)) == 160
    fields = [field.name for field in dataset._doc.sample_fields]
    assert len(fields) == len(set(fields))


def test_dedupe_runs_while_a_model_trains(rendered: Path, name: str) -> None:
    """``dedupe`` does not wait for the training, and the training keeps what ``dedupe`` wrote."""
    bccurate.import_(rendered, name)
    bccurate.split(name)
    train = _command("train", MODEL, "-d", name, "--epochs", 3, "--image-size", 64)
    checkpoint = Path(os.environ["BCCURATE_HOME"]) / "datasets"
    deadline = time.monotonic() + 600
    while not list(checkpoint.rglob("checkpoint.safetensors")):
        assert train.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    found = bccurate.dedupe(name)
    _end(train)
    dataset = fo.load_dataset(name)
    dataset.reload()
    assert {"dedupe", "split", f"train_{MODEL}", f"predict_{MODEL}"} <= set(dataset.list_runs())
    assert {"duplicates", "deduplicated"} <= set(dataset.list_saved_views())
    assert len(dataset.match_tags("duplicate")) == found.counts["duplicates"] > 0
    assert len(dataset.exists(MODEL)) == len(dataset.match_tags("unreadable", bool=False))
    assert not bccurate.dedupe(name).changed


def test_a_dataset_opened_before_another_process_writes_loses_nothing(
    rendered: Path, name: str
) -> None:
    """What the other process wrote is still there after the next write of this one."""
    bccurate.import_(rendered, name)
    opened = fo.load_dataset(name)
    _end(_command("dedupe", "-d", name))
    bccurate.outliers(name)
    opened.reload()
    assert {"import", "dedupe", "outliers"} <= set(opened.list_runs())
    assert {"duplicates", "outliers"} <= set(opened.list_saved_views())
    assert {"duplicate_group", "outlier_score"} <= set(opened.get_field_schema())


HOLD = """
import sys, time
from bccurate.hub.write_lock import write_lock
with write_lock("cells"):
    print("has it", flush=True)
    time.sleep(float(sys.argv[1]))
"""


def _holder(seconds: float) -> subprocess.Popen:
    """Start a process that holds the write lock of ``cells`` for some seconds."""
    return subprocess.Popen([sys.executable, "-c", HOLD, str(seconds)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip


def test_a_waiting_command_names_the_process_that_holds_the_lock() -> None:
    """The second process waits until the first, here killed, releases the write lock."""
    first = _holder(60)
    assert first.stdout.readline() == "has it\n"
    second = _holder(0)
    assert f"process {first.pid}" in second.stderr.readline()
    first.kill()
    first.communicate(timeout=20)
    assert second.stdout.readline() == "has it\n"
    second.communicate(timeout=20)


def test_a_command_within_a_command_does_not_wait_and_leaves_the_lock_held() -> None:
    """``train`` calls ``predict``: the inner command ends, the outer one still holds the lock."""
    with write_lock("cells"):
        with write_lock("cells"), write_lock("others"):
            pass
        other = _holder(0)
        assert f"process {os.getpid()}" in other.stderr.readline()
    assert other.communicate(timeout=20)[0] == "has it\n"


def test_a_home_folder_that_cannot_be_made_does_not_stop_a_command(
    tmp_path: Path, monkeypatch, capfd
) -> None:
    """Without a place for its lock file the command runs, and does not wait."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BCCURATE_HOME", str(tmp_path / "file" / "home"))
    ran = []
    with write_lock("cells"), write_lock("others"):
        ran.append("here")
    assert ran == ["here"] and "waiting" not in capfd.readouterr().err


def test_a_file_system_without_locks_does_not_stop_a_command(monkeypatch) -> None:
    """Older releases of filelock raise NotImplementedError there: the command runs all the same."""

    def refuse(*_args: object, **_options: object) -> None:
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    ran = []
    with write_lock("cells"):
        ran.append("here")
    assert ran == ["here"]


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv("BCCURATE_HOME", str(tmp_path_factory.mktemp("home")))
