"""Two commands at once on one dataset: they take turns, and nothing is lost or doubled."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import fiftyone as fo
import pytest

import bccurate

MODEL = "custom_cnn"


def _command(*args: object) -> subprocess.Popen:
    line = [sys.executable, "-m", "bccurate", *map(str, args)]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _end(*commands: subprocess.Popen) -> list[str]:
    said = []
    for command in commands:
        _, err = command.communicate(timeout=900)
        assert command.returncode == 0, err
        said.append(err)
    return said


def test_two_imports_of_one_folder(rendered: Path, name: str) -> None:
    """Both end well, and every file is there once, with every field once."""
    _end(*(_command("import", rendered, "--name", name) for _ in range(2)))
    dataset = fo.load_dataset(name)
    dataset.reload()
    paths = dataset.values("filepath")
    assert len(paths) == len(set(paths)) == 160
    fields = [field.name for field in dataset._doc.sample_fields]
    assert len(fields) == len(set(fields))


def test_dedupe_while_a_model_trains(rendered: Path, name: str) -> None:
    """``dedupe`` does not wait for the training, and the training does not undo what it wrote."""
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


def test_a_session_that_opened_the_dataset_before_loses_nothing(rendered: Path, name: str) -> None:
    """What another process wrote meanwhile outlives the next write of this one."""
    bccurate.import_(rendered, name)
    opened = fo.load_dataset(name)
    _end(_command("dedupe", "-d", name))
    bccurate.outliers(name)
    opened.reload()
    assert {"import", "dedupe", "outliers"} <= set(opened.list_runs())
    assert {"duplicates", "outliers"} <= set(opened.list_saved_views())
    assert {"duplicate_group", "outlier_score"} <= set(opened.get_field_schema())


def _script(script: str, seconds: str, env: dict[str, str]) -> subprocess.Popen:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", script, seconds], env=env, text=True, **pipes)


def test_who_waits_says_for_whom(tmp_path: Path) -> None:
    """The second waits until the first, here killed, lets go of its turn."""
    script = (
        "import sys, time\n"
        "from bccurate.hub.write_lock import write_lock\n"
        "with write_lock('cells'):\n"
        "    print('has it', flush=True)\n"
        "    time.sleep(float(sys.argv[1]))\n"
    )
    env = os.environ | {"BCCURATE_HOME": str(tmp_path)}
    first = _script(script, "60", env)
    assert first.stdout.readline() == "has it\n"
    second = _script(script, "0", env)
    assert f"(process {first.pid})" in second.stderr.readline()
    first.kill()
    first.communicate(timeout=20)
    assert second.stdout.readline() == "has it\n"
    second.communicate(timeout=20)


def test_a_command_within_a_command_does_not_wait(tmp_path: Path, monkeypatch) -> None:
    """``train`` calls ``predict``: who has the turn goes on."""
    from bccurate.hub.write_lock import write_lock

    monkeypatch.setenv("BCCURATE_HOME", str(tmp_path))
    with write_lock("cells"), write_lock("cells"), write_lock("others"):
        pass
    with write_lock("cells"):
        pass


def test_without_a_folder_of_ours_nobody_waits(tmp_path: Path, monkeypatch) -> None:
    """A home folder that cannot be is no reason to end."""
    from bccurate.hub.write_lock import write_lock

    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BCCURATE_HOME", str(tmp_path / "file" / "home"))
    with write_lock("cells"):
        pass


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv("BCCURATE_HOME", str(tmp_path_factory.mktemp("home")))
