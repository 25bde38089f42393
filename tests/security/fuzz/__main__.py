"""``make fuzz``: every target in turn for some minutes, and the compiled decoders beside them.

What breaks is kept below ``build/fuzz``, and the exit code is 1. Keep it in the corpus once mended.
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import os
import random
import shutil
import signal
import subprocess
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
NATIVE = ROOT / "bccurate" / "native"
LONGEST_SECONDS = 5
SANITIZED = ["-g", "-O1", "-std=c11", "-fwrapv", "-fno-math-errno", "-Wno-psabi",
             "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]  # fmt: skip


class Hang(BaseException):
    """An input that takes more than ``LONGEST_SECONDS``."""


def build(name: str = "kernels", *flags: str) -> Path | None:
    """The fuzzer of the compiled decoders, built anew; None without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    BUILD.mkdir(parents=True, exist_ok=True)
    sources = [Path(__file__).with_name("kernels.c"), *sorted(NATIVE.glob("*.c"))]
    command = [compiler, *SANITIZED, *flags, f"-I{NATIVE}", *sources, "-lm", "-o", BUILD / name]
    subprocess.run(command, check=True)
    return BUILD / name


def start_kernels(seconds: int, seed: int) -> list[subprocess.Popen[str]]:
    """The decoders' fuzzer of each variant that this machine runs, under way."""
    variants = {"kernels": []}
    if "avx2" in Path("/proc/cpuinfo").read_text(errors="replace"):
        variants["kernels_v3"] = ["-march=x86-64-v3"]
    running = []
    for name, flags in variants.items():
        program = build(name, *flags)
        folder = BUILD / f"run-{name}"
        folder.mkdir(exist_ok=True)
        if program:
            command = [program, str(seconds), str(seed), *seeds("images")]
            running.append(subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True))
    return running


def _too_slow(_signal: int, _frame: FrameType | None) -> None:
    raise Hang


def try_one(target: str, data: bytes) -> str | None:
    """What went wrong with one input, or None; a decoder that never returns ends the process."""
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
    """Inputs by target, and what went wrong by the file that was kept."""
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
    """Fuzz for the seconds that were asked for, and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.security.fuzz")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--target", choices=sorted(TARGETS), action="append")
    given = parser.parse_args()
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    os.environ["BCCURATE_HOME"] = str(BUILD / "home")
    kernels = start_kernels(given.seconds, given.seed)
    signal.signal(signal.SIGPROF, _too_slow)
    with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
        tried, wrong = fuzz(given.seconds, given.seed, given.target or list(TARGETS))
    for target, n in tried.items():
        print(f"{target}: {n:,} inputs")
    for name, reason in wrong.items():
        print(f"{BUILD / name}: {reason}")
    bad = len(wrong)
    for process in kernels:
        said = process.communicate()[0].strip()
        bad += process.returncode != 0
        print(f"{Path(process.args[0]).name}: {said or 'failed: see fuzz-crash in build/fuzz'}")
    print(f"seed {given.seed}: {bad} of them went wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
