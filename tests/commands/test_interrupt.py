"""A command that is stopped half-way is finished by typing it again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import fiftyone as fo
import pytest
from fiftyone.core.odm import get_db_client

import bccurate

COUNT = 6_000


@pytest.fixture(scope="module")
def many(rendered, tmp_path_factory) -> Path:
    """The rendered cells again and again under other names: enough to be stopped half-way."""
    folder = tmp_path_factory.mktemp("many")
    files = sorted((rendered / "images").rglob("*.png"))
    for number in range(COUNT):
        source = files[number % len(files)]
        target = folder / source.parent.name / f"{number:05d}.png"
        target.parent.mkdir(exist_ok=True)
        os.link(source, target)
    return folder


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_import_is_finished_by_the_next(many, name, stop):
    """Ctrl-C exits 130 and says how to go on; after it, as after kill -9, nothing is doubled."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bccurate", "import", many, "--name", name],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=_heeds_ctrl_c,
    )  # fmt: skip
    deadline = time.monotonic() + 300
    # The samples are counted by the database alone: to load a dataset takes longer than to fill it.
    client = get_db_client()[fo.config.database_name]
    # It sleeps while it is looked at: a machine that does much else gives it no time to end.
    while (
        not (row := client.datasets.find_one({"name": name}))
        or not client[row["sample_collection_name"]].find_one()
    ):
        assert time.monotonic() < deadline and process.poll() is None
        os.killpg(process.pid, signal.SIGCONT)
        time.sleep(0.01)
        os.killpg(process.pid, signal.SIGSTOP)
    os.killpg(process.pid, stop)
    os.killpg(process.pid, signal.SIGCONT)
    out, err = process.communicate(timeout=30)
    there = fo.load_dataset(name)
    there.reload()
    assert 0 < len(there) < COUNT, "stopped too late to tell anything"
    if stop == signal.SIGINT:
        assert process.returncode == 130
        assert "same command again" in err and "Traceback" not in err and out == ""
    record = bccurate.import_(many, name)
    assert record.total == COUNT and record.added == COUNT - record.already_there
    paths = fo.load_dataset(name).values("filepath")
    assert len(set(paths)) == COUNT
    assert not bccurate.import_(many, name).changed


def _heeds_ctrl_c() -> None:
    """As from a terminal: what a shell starts with `&` ignores SIGINT, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
