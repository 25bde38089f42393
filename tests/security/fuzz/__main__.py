"""``make fuzz``: every target in turn for some minutes.

Inputs that fail are kept below ``build/fuzz``, and the exit code is 1. Add them to the corpus once
fixed.
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from contextlib import redirect_stderr
from pathlib import Path
from types import FrameType

from tests.security.fuzz.mutate import mutate
from tests.security.fuzz.targets import TARGETS, attempt, seeds

ROOT = Path(__file__).resolve().parents[3]
BUILD = ROOT / "build" / "fuzz"
LONGEST_SECONDS = 5


class Hang(BaseException):
    """An input that takes more than ``LONGEST_SECONDS``."""


def _too_slow(_signal: int, _frame: FrameType | None) -> None:
    raise Hang


def try_one(target: str, data: bytes) -> str | None:
    """Return why one input fails, or None; a decoder that never returns ends the process."""
    signal.setitimer(signal.ITIMER_PROF, LONGEST_SECONDS)  # of the processor: machines are shared
    faulthandler.dump_traceback_later(60, exit=True)
    try:
        attempt(target, data, BUILD / "now")
        return None
    except Hang:
        return f"takes more than {LONGEST_SECONDS} s"
    except Exception:
        return traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()


def fuzz(seconds: float, seed: int, targets: list[str]) -> tuple[Counter[str], dict[str, str]]:
    """Return the number of inputs by target, and the reason of each failure by its file."""
    rng, tried, wrong = random.Random(seed), Counter(), {}
    corpus = {target: [file.read_bytes() for file in seeds(target)] for target in targets}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for target in targets:
            data = mutate(rng.choice(corpus[target]), corpus[target], rng)
            tried[target] += 1
            reason = try_one(target, data)
            if reason:
                name = f"{target}-{hashlib.sha256(data).hexdigest()[:12]}"
                (BUILD / name).write_bytes(data)
                wrong[name] = reason
    return tried, wrong


def main() -> int:
    """Fuzz for the given seconds and print a summary."""
    parser = argparse.ArgumentParser(prog="python -m tests.security.fuzz")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--target", choices=sorted(TARGETS), action="append")
    given = parser.parse_args()
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    os.environ["BCCURATE_HOME"] = str(BUILD / "home")
    signal.signal(signal.SIGPROF, _too_slow)
    with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
        tried, wrong = fuzz(given.seconds, given.seed, given.target or list(TARGETS))
    for target, n in tried.items():
        print(f"{target}: {n:,} inputs")
    for name, reason in wrong.items():
        print(f"{BUILD / name}: {reason}")
    print(f"seed {given.seed}: {len(wrong)} inputs failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
