"""Without a network every command works, and none tries to reach one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Runs in a network namespace that has the loopback only. Attempts to leave it are recorded, too: a
# library may try and ignore the error.
PROGRAM = """
import json, socket, subprocess, sys, time
from pathlib import Path

ROOT, FOLDER, WHAT = sys.argv[1:]
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
asked, ended = [], {}
connect, lookup = socket.socket.connect, socket.getaddrinfo

def is_here(host):
    return str(host) in ("localhost", "127.0.0.1", "::1", "None", "0.0.0.0")

def guarded_connect(self, address):
    if isinstance(address, tuple) and not is_here(address[0]):
        asked.append(str(address))
    return connect(self, address)

def guarded_lookup(host, *args, **kwargs):
    if not is_here(host):
        asked.append(str(host))
    return lookup(host, *args, **kwargs)

socket.socket.connect, socket.getaddrinfo = guarded_connect, guarded_lookup

import os
sys.path.insert(0, ROOT)
sys.path.insert(0, ROOT + "/tests")
os.environ.pop("FIFTYONE_DATABASE_URI", None)
os.environ.pop("HF_HUB_OFFLINE", None)
import conftest
from tests import database
database.start()
from bccurate.cli import main

cells = FOLDER + "/cells"
d = ["-d", "offline"]
model = ["custom_cnn", *d, "--device", "cpu"]
few = [
    ["sample", cells, "--n", "64"], ["import", cells, "--name", "offline"], ["info", *d],
    ["dedupe", *d], ["models"], ["doctor"],
]
more = [
    ["use", "offline"], ["outliers", *d], ["split", *d], ["leaks", *d], ["augment", "augmix", *d],
    ["background", *d], ["train", *model, "--epochs", "1", "--image-size", "64"],
    ["predict", *model], ["evaluate", model[0], *d], ["mistakes", model[0], *d],
    ["explain", *model],
    ["apply-review", *d], ["export", FOLDER + "/out", *d],
    ["export-onnx", model[0], *d, "--out", FOLDER + "/model.onnx"],
    ["report", *d, "--out", FOLDER + "/report.html"], ["undo", "leaks", *d],
]
for line in few + (more if WHAT == "all" else []):
    sys.argv = ["bccurate", *line]
    try:
        main()
    except SystemExit as end:
        ended[line[0]] = end.code
import fiftyone as fo
done = {"asked": asked, "ended": ended, "untracked": fo.config.do_not_track}
Path(FOLDER, "done.json").write_text(json.dumps(done))
"""


@pytest.mark.parametrize("what", ["few", pytest.param("all", marks=pytest.mark.slow)])
def test_commands_work_without_a_network(tmp_path: Path, what: str) -> None:
    """All exit with 0; none looks up a name or opens a connection beyond this machine."""
    alone = ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespace can be made here")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("FIFTYONE_", "BCCURATE_"))}
    command = [*alone, sys.executable, "-c", PROGRAM, ROOT, tmp_path, what]
    done = subprocess.run(
        list(map(str, command)), env=env, capture_output=True, text=True, timeout=1500, check=False
    )
    assert (tmp_path / "done.json").exists(), done.stderr[-3000:]
    found = json.loads((tmp_path / "done.json").read_text())
    assert set(found["ended"].values()) == {0}, (found, done.stderr[-3000:])
    assert found["asked"] == []
    assert found["untracked"] is True


TRACKING = """
from bccurate.hub.open import load_fiftyone
print("do not track:", load_fiftyone().config.do_not_track)
"""


@pytest.mark.parametrize(("value", "untracked"), [(None, True), ("1", True), ("0", False)])
def test_a_user_decides_on_fiftyones_tracking(value: str | None, untracked: bool) -> None:
    """It is off by default; ``FIFTYONE_DO_NOT_TRACK`` takes precedence."""
    env = {k: v for k, v in os.environ.items() if k != "FIFTYONE_DO_NOT_TRACK"}
    env |= {} if value is None else {"FIFTYONE_DO_NOT_TRACK": value}
    command = [sys.executable, "-c", TRACKING]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert f"do not track: {untracked}" in done.stdout
