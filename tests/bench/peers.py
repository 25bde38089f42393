"""Find the installed peers, and run a contender in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent.parent
PEERS = ROOT / ".peers"
LIMIT_S = 900
SLOW_S = 60  # a contender that takes longer is run once
_POLL_S = 0.05


@dataclass(frozen=True)
class Contender:
    """``call`` of contenders.py, under the interpreter that has ``peer``, ours where empty.

    A call that begins with ``dedupe`` is the command of ``bccurate`` with its options.
    """

    call: str
    peer: str = ""
    workers: int = 1


@dataclass(frozen=True)
class Run:
    """Seconds of the whole process; peak memory of all its processes in MiB, 0 where it was not
    watched; how many groups, pairs or files it found."""

    seconds: float
    peak_mib: float
    found: int


class PeerFails(Exception):
    """It is not installed or ended badly; the message says why in a few words."""


def interpreter(peer: str) -> Path:
    """Return the Python that has a peer.

    ``BCCURATE_PEERS`` is the folder of the peers' environments, or a Python that has them all; else
    ``.peers/<peer>``.

    Raises:
        PeerFails: with the last line of its installation.
    """
    if not peer:
        return Path(sys.executable)
    named = Path(os.environ.get("BCCURATE_PEERS") or PEERS)
    python = named if named.is_file() else named / peer / "bin" / "python"
    if python.exists():
        return python
    log = named / f"{peer}.log"
    reason = _last_line(log.read_text(errors="replace")) if log.exists() else "run make bench"
    raise PeerFails(f"not installed: {reason}")


def site_packages(peer: str) -> Path:
    """Return the folder from which a peer in plain Python can be imported.

    Raises:
        PeerFails: with the last line of its installation.
    """
    return next((interpreter(peer).parent.parent / "lib").glob("python3*/site-packages"))


def run(contender: Contender, folder: Path, watch: bool = False) -> Run:
    """Run a contender; ``watch`` polls its memory, which takes some time.

    Raises:
        PeerFails: it is not installed, ends with an error or takes longer than ``LIMIT_S``.
    """
    script = Path(__file__).with_name("contenders.py")
    python = interpreter(contender.peer)
    command = [python, script, contender.call, folder, contender.workers]
    if contender.call.startswith("dedupe"):
        command = [python, "-m", "bccurate", *contender.call.split(), folder, "--json"]
    env = dict(os.environ)
    if not contender.peer:
        env["PYTHONPATH"] = str(ROOT)
    out, seconds, peak = process(list(map(str, command)), env, watch)
    try:
        answer = json.loads(out.splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        raise PeerFails("ends without an answer") from None
    return Run(seconds, peak, answer["found"] if "found" in answer else len(answer["groups"]))


def process(command: list[str], env: dict[str, str], watch: bool) -> tuple[str, float, float]:
    """Run a process; returns standard output, seconds, peak memory in MiB with its children.

    Raises:
        PeerFails: it ends with an error or takes longer than ``LIMIT_S``.
    """
    began = time.perf_counter()
    child = subprocess.Popen(
        command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    peak = 0.0
    while True:
        try:
            out, err = child.communicate(timeout=_POLL_S if watch else LIMIT_S)
            break
        except subprocess.TimeoutExpired:
            peak = max(peak, _memory(child.pid))
        if time.perf_counter() - began > LIMIT_S:
            _kill(child.pid)
            raise PeerFails(f"takes longer than {LIMIT_S} s")
    seconds = time.perf_counter() - began
    if child.returncode:
        raise PeerFails(_last_line(err or out))
    return out, seconds, peak


def _tree(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _memory(pid: int) -> float:
    """Add up proportional set sizes: memory that processes share counts once."""
    return sum(map(_share, _tree(pid))) / (1 << 20)


def _share(one: psutil.Process) -> int:
    try:
        return one.memory_full_info().pss
    except psutil.Error:  # it has just ended
        return 0


def _kill(pid: int) -> None:
    for one in _tree(pid):
        one.kill()


def contend(
    contenders: dict[str, Contender], folder: Path, rounds: int
) -> tuple[dict[str, list[Run]], dict[str, str]]:
    """Run the contenders alternately, after a round that warms the disk and watches memory.

    Returns:
        runs by name, each with the memory of the first round, and why a contender failed.
    """
    runs: dict[str, list[Run]] = {}
    failed: dict[str, str] = {}
    peaks: dict[str, float] = {}
    for number in range(rounds + 1):
        for name, contender in contenders.items():
            slow = name in runs and runs[name][0].seconds > SLOW_S
            if name in failed or slow:
                continue
            try:
                one = run(contender, folder, watch=number == 0)
            except PeerFails as reason:
                failed[name] = str(reason)
                continue
            peaks.setdefault(name, one.peak_mib)
            if number or one.seconds > SLOW_S:
                runs.setdefault(name, []).append(one)
    return {
        name: [replace(one, peak_mib=peaks[name]) for one in all_runs]
        for name, all_runs in runs.items()
        if name not in failed
    }, failed


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:160].replace("|", "/") if lines else "no message"
