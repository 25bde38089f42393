"""bccurate is a library that leaves the environment of its user's process alone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

USES = {
    "import": "import bccurate",
    "models": "import bccurate; bccurate.models()",
    "sample": "import bccurate; bccurate.sample('cells', n=16, size=32)",
}


@pytest.mark.parametrize("use", USES)
def test_importing_and_using_it_sets_no_environment_variable(use: str, tmp_path) -> None:
    """The environment after is the one before, and the garbage collector runs."""
    code = f"""
import gc, os
before, collecting = dict(os.environ), (gc.isenabled(), gc.get_threshold())
{USES[use]}
assert dict(os.environ) == before, set(os.environ.items()) ^ set(before.items())
assert (gc.isenabled(), gc.get_threshold()) == collecting
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("value", [None, "ACTIVE"])
def test_the_command_line_lets_idle_threads_sleep_before_numpy_is_imported(value) -> None:
    """A value that the user has set stays."""
    code = """
import os, sys
from bccurate.cli import main
assert "numpy" not in sys.modules and "torch" not in sys.modules
sys.argv = ["bccurate", "--version"]
try:
    main()
except SystemExit:
    print(os.environ["OMP_WAIT_POLICY"], os.environ["OPENBLAS_THREAD_TIMEOUT"])
"""
    env = {k: v for k, v in os.environ.items() if k[:4] not in ("OMP_", "OPEN")}
    env |= {} if value is None else {"OMP_WAIT_POLICY": value}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-2:] == [value or "PASSIVE", "4"]
