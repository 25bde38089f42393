"""Run ``bccurate`` commands as a user does, with a home and a database of their own."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.peers import ROOT, process

OURS = (sys.executable, "-m", "bccurate")


class Shell:
    """Commands of one checkout, whole processes, with a database below ``home``."""

    def __init__(self, home: Path, command: Sequence[str] = OURS) -> None:
        self._command = list(command)
        own = {"HOME": home, "BCCURATE_HOME": home / "bccurate",
               "FIFTYONE_DATABASE_DIR": home / "db"}  # fmt: skip
        self._env = {**os.environ, **{name: str(value) for name, value in own.items()}}
        if command == OURS:
            self._env["PYTHONPATH"] = str(ROOT)
        # Without it FiftyOne starts a database for each process, which is part of the time.
        self._env.pop("FIFTYONE_DATABASE_URI", None)

    def run(self, *words: object) -> tuple[str, float]:
        """Return standard output and seconds of ``bccurate words``."""
        out, seconds, _ = process([*self._command, *map(str, words)], self._env, watch=False)
        return out, seconds

    def clear_hashes(self, name: str) -> None:
        """Leave a dataset as if FiftyOne alone had added its samples."""
        code = f"import fiftyone as fo; fo.load_dataset({name!r}).clear_sample_field('phash')"
        process([sys.executable, "-c", code], self._env, watch=False)
