"""Opening the hub puts the environment back."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import os
import bccurate.hub.open
before = dict(os.environ)
fo = bccurate.hub.open.load_fiftyone()
changed = {name for name, _ in set(os.environ.items()) ^ set(before.items())}
assert not {name for name in changed if name.startswith("FIFTYONE")}, changed
assert fo.config.do_not_track and not fo.config.show_progress_bars
assert fo.config.logging_destination == "stderr" and not fo.config.database_validation
"""


def test_opening_the_hub_leaves_no_variable_behind() -> None:
    """FiftyOne has our settings in its configuration, and the environment has none of them."""
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
