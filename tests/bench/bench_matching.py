"""Matching of 64-bit hashes against FAISS's exact binary indexes and against brute force.

CPU seconds of one thread. The peers compare every hash with every other, or look every hash up:
they are run on a sample of rows and scaled. Ours are timed at their second search, 1,000,000 and
10,000,000 alike: in the first the system has to provide the memory.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bccurate import native
from bccurate.duplicates.hamming import near_pairs
from tests.bench.measure import Row, Skipped, figure
from tests.bench.peers import PeerFails, interpreter

TITLE = "Matching of hashes"
ROUNDS = 3
MANY = 1_000_000
PLANTED = 17_000
BRUTE_ROWS, FAISS_ROWS = 2_000, 2_000
ROOT = Path(__file__).resolve().parents[2]

# Exact at 4 bits: of four blocks of 16 bits one differs in at most one, of five of 12 one in none.
# A process of its own: prints seconds to build and, for `rows` queries, to search.
FAISS = """
import sys, time
import numpy as np, faiss
path, rows = sys.argv[1], int(sys.argv[2])
faiss.omp_set_num_threads(1)
codes = np.load(path).view(np.uint8).reshape(-1, 8)
def multi(count, bits, flips):
    index = faiss.IndexBinaryMultiHash(64, count, bits)
    index.nflip = flips
    return index
for index in (faiss.IndexBinaryFlat(64), multi(4, 16, 1), multi(5, 12, 0)):
    times = [time.process_time()]
    index.add(codes)
    times.append(time.process_time())
    index.range_search(codes[:rows], 5)  # the radius itself is not within it
    times.append(time.process_time())
    print(times[1] - times[0], times[2] - times[1])
"""
LARGE = """
import resource, time
import numpy as np
from bccurate.duplicates.hamming import near_pairs
hashes = np.random.default_rng(1).integers(2**64, size=10_000_000, dtype=np.uint64)
near_pairs(hashes, 4)
began = time.process_time()
near_pairs(hashes, 4)
print(time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def run(_images: Path) -> list[Row]:
    """Ratios of the peers' time to ours, and of 10,000,000 hashes to 1,000,000."""
    hashes = planted()
    for threshold in (0, 4, 8, 10):
        _check(hashes, threshold)
    rounds = [_round(hashes) for _ in range(ROUNDS)]
    return _figures({name: [times[name] for times in rounds] for name in rounds[0]})


def planted() -> np.ndarray:
    """1,000,000 random hashes; the first come in pairs that differ in 0 to 16 bits."""
    rng = np.random.default_rng(0)
    hashes = rng.integers(2**64, size=MANY, dtype=np.uint64)
    for number in range(PLANTED):
        bits = rng.choice(64, number % 17, replace=False).tolist()
        hashes[2 * number + 1] = hashes[2 * number] ^ np.uint64(sum(1 << bit for bit in bits))
    return hashes


def _check(hashes: np.ndarray, threshold: int) -> None:
    i, j, _ = near_pairs(hashes, threshold)
    numbers = np.arange(PLANTED)
    near = 2 * numbers[numbers % 17 <= threshold]
    found = set(i[(i % 2 == 0) & (j == i + 1)].tolist())
    assert set(near.tolist()) <= found, f"planted pairs are missing at {threshold}"


def _round(hashes: np.ndarray) -> dict[str, float]:
    """CPU seconds of every contender, once each; peers scaled to all rows."""
    times = {
        "ours 4": _seconds(lambda: near_pairs(hashes, 4)),
        "ours 10": _seconds(lambda: near_pairs(hashes, 10)),
    }
    brute = _brute()
    if brute:  # rows before many others: each is compared with all, a search with half of them
        sample = _seconds(lambda: brute(native.pointer(hashes), BRUTE_ROWS, MANY, 4))
        times["brute"] = sample * MANY / BRUTE_ROWS / 2
    large = subprocess.run(
        [sys.executable, "-c", LARGE], cwd=ROOT, capture_output=True, text=True, check=True
    )
    times["ours, ten times as many"], times["MiB"] = map(float, large.stdout.split())
    return times | _faiss(hashes)


def _brute() -> Callable[..., int] | None:
    size = ctypes.c_int64
    return native.function("bc_near_brute", ctypes.c_void_p, size, size, size)


def _faiss(hashes: np.ndarray) -> dict[str, float]:
    """The better of the exact indexes, seconds for all rows; empty where there is no FAISS."""
    try:
        python = interpreter("faiss-cpu")
    except PeerFails:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hashes.npy"
        np.save(path, hashes)
        command = [str(python), "-c", FAISS, str(path), str(FAISS_ROWS)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = [map(float, line.split()) for line in answer.stdout.splitlines()]
    if answer.returncode or not rows:
        return {}
    return {"FAISS": min(add + search * MANY / FAISS_ROWS for add, search in rows)}


def _seconds(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def _figures(times: dict[str, list[float]]) -> list[Row]:
    def ratio(peer: str, ours: str, goal: str, note: str) -> Row:
        if peer not in times:
            return Skipped(f"matching: {names[peer]} / {names[ours]}", "not installed", goal)
        ratios = [a / b for a, b in zip(times[peer], times[ours], strict=True)]
        seconds = f"{np.median(times[ours]):.2f} s against {np.median(times[peer]):.1f} s"
        return figure(f"matching: {names[peer]} / {names[ours]}", ratios, goal, f"{seconds}{note}")

    names = {
        "ours 4": "ours, 1,000,000 hashes within 4 bits",
        "ours 10": "ours, 1,000,000 hashes within 10 bits",
        "brute": "SIMD brute force",
        "FAISS": "better of FAISS's exact binary indexes",
        "ours, ten times as many": "ours, 10,000,000 within 4 bits",
    }
    scaled = "; {:,} rows, scaled linearly to all"
    memory = f"; peak memory {max(times['MiB']):,.0f} MiB (goal 1,500)"
    return [
        ratio("FAISS", "ours 4", ">= 100", scaled.format(FAISS_ROWS)),
        ratio("brute", "ours 4", ">= 20", scaled.format(BRUTE_ROWS)),
        ratio("brute", "ours 10", ">= 2.5", scaled.format(BRUTE_ROWS)),
        ratio("ours, ten times as many", "ours 4", "<= 15", memory),
    ]
