"""Read and match images on a running Ray cluster, with the result of one machine.

Files are read with Ray Data, 64 at a time; hashes and thumbnails are sent to the nodes once, and
each task searches its share of the pairs. Nothing here starts or stops a cluster. Source:
Moritz et al. 2018, "Ray: a distributed framework for emerging AI applications"; Ray Data's
streaming execution for the reading.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any

import numpy as np
import PIL

import bccurate
from bccurate.duplicates.engine import Engine
from bccurate.duplicates.hamming import HashPairs, near_pairs
from bccurate.duplicates.pair_search import SimilarPairs, similar_pairs
from bccurate.errors import BccurateError, InputError, UsageError
from bccurate.images.image_stats import RECORD, Batch
from bccurate.images.workers import CHUNK, read_batch
from bccurate.progress import track

LOG = logging.getLogger(__name__)
_SHARES = 4  # a processor, so that a slow share does not keep all others waiting
_MAX_SHARES = 256
_AT_ONCE = 2  # tasks a processor: one that runs, one that waits beside it
_CHUNKS_A_TASK = 8
_PROBE_SECONDS = 5
_ANSWER_SECONDS = 120  # a node's first: it starts a process and imports

_Share = Callable[[np.ndarray, Any, tuple[int, int]], Any]


@contextmanager
def connected(address: str = "auto") -> Iterator[Engine]:
    """Join a cluster for a ``with`` block and yield its engine; the cluster stays as it was.

    Args:
        address: ``HOST:PORT`` of the head; ``auto`` is RAY_ADDRESS, else the cluster that was
            started on this machine. A process that has joined a cluster keeps it.

    Raises:
        UsageError: Ray is not installed, no cluster answers, or a node has other versions of the
            libraries that decide what a duplicate is.
        BccurateError: the cluster was lost.
    """
    ray = _load()
    joined = not ray.is_initialized()
    if joined:
        _join(ray, address)
    try:
        with redirect_stdout(sys.stderr):  # Ray prints messages about its tasks
            _check_nodes(ray)
            yield Engine(_read, _near_pairs, _similar_pairs)
    except ray.exceptions.RayError as error:
        message = f"The Ray cluster failed: {_reason(error)}"
        raise BccurateError(message, "ray status") from error
    finally:
        if joined:
            ray.shutdown()  # disconnects this process; the cluster goes on


def _load() -> Any:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise UsageError(
            f"The engine ray needs Ray Data ({error}).", 'pip install "bccurate[ray]"'
        ) from error
    return ray


def _join(ray: Any, address: str) -> None:
    where = (os.environ.get("RAY_ADDRESS") or "auto") if address == "auto" else address
    if where == "local" or "://" in where:
        raise UsageError(
            f"{where!r} names no cluster that this machine is part of; bccurate joins a cluster "
            "and never starts one.",
            "ray start --head",
        )
    try:
        if where != "auto":
            _probe(where)
        with _at_root():
            ray.init(where, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
        here = "on this machine" if where == "auto" else f"at {where}"
        raise UsageError(f"No Ray cluster answers {here}.", "ray start --head") from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)


@contextmanager
def _at_root() -> Iterator[None]:
    """Work in the root folder: Ray tasks would import a random.py of the current one."""
    here = os.getcwd()
    os.chdir(os.path.abspath(os.sep))
    try:
        yield
    finally:
        os.chdir(here)


def _probe(address: str) -> None:
    """Fail at once where nothing listens: Ray would try for more than a minute."""
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), _PROBE_SECONDS).close()


def _versions() -> dict[str, str]:
    """Return the versions that determine the bits of a result."""
    return {
        "bccurate": bccurate.__version__, "numpy": np.__version__, "pillow": PIL.__version__
    }  # fmt: skip


def _check_nodes(ray: Any) -> None:
    """Check the versions of each node: another decoder, or none, would give other groups."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

    if ray.cluster_resources().get("CPU", 0) < 1:
        raise UsageError("The Ray cluster has no processor for tasks.", "ray start --help")
    task, own = ray.remote(num_cpus=0, max_retries=0)(_versions), _versions()
    answers = [
        (node["NodeManagerAddress"], task.options(scheduling_strategy=On(node["NodeID"], False)))
        for node in ray.nodes()
        if node["Alive"]
    ]
    for host, answer in [(host, call.remote()) for host, call in answers]:
        try:
            found = ray.get(answer, timeout=_ANSWER_SECONDS)
        except ray.exceptions.RayError as error:
            raise UsageError(
                f"The Ray node {host} does not load bccurate: {_reason(error)}",
                f'pip install "bccurate[ray]=={bccurate.__version__}" on that node',
            ) from error
        if found != own:
            raise UsageError(
                f"The Ray node {host} has {_listed(found)}, this machine {_listed(own)}: their "
                "pixels may differ.",
                f"pip install {_listed(own)} on that node",
            )


def _listed(versions: dict[str, str]) -> str:
    return " ".join(f"{name}=={version}" for name, version in versions.items())


def _reason(error: Exception) -> str:
    """Return the last line of a remote error, which says what happened."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]


def _processors() -> int:
    import ray

    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def _read(paths: Sequence[str], method: str | None) -> Iterator[Batch]:
    """Read files as ``workers.read_batches`` does, on all nodes.

    Raises:
        InputError: a node does not see a file that is here.
    """
    import ray

    chunks = [json.dumps([list(paths[k : k + CHUNK]), method]) for k in range(0, len(paths), CHUNK)]
    if not chunks:
        return
    tasks = max(len(chunks) // _CHUNKS_A_TASK, _SHARES * _processors())
    data = ray.data.from_items(chunks, override_num_blocks=min(len(chunks), tasks))
    data.context.enable_progress_bars = False
    data.context.execution_options.preserve_order = True
    for row in data.map(_read_chunk).iter_rows():
        LOG.debug("node %s read a chunk", row["node"])
        paths, *texts = json.loads(row["texts"])
        notes, unreadable = ({int(i): text for i, text in own.items()} for own in texts)
        batch = Batch(paths, np.frombuffer(row["records"], RECORD), notes, unreadable)
        _check_seen(batch, row["host"])
        yield batch


def _read_chunk(row: dict[str, str]) -> dict[str, Any]:
    import ray

    # In a process of its own: a file that kills its decoder must not kill the task again and again.
    batch = read_batch(*json.loads(row["item"]))
    texts = json.dumps([batch.paths, batch.notes, batch.unreadable])
    host = ray.util.get_node_ip_address()
    return {"texts": texts, "records": batch.records.tobytes(), "host": host, "node": _node()}


def _check_seen(batch: Batch, host: str) -> None:
    """Raise InputError for a file that this machine can open and a node cannot."""
    for index, reason in batch.unreadable.items():
        path = batch.paths[index]
        if reason.startswith("cannot be opened") and os.access(path, os.R_OK):
            raise InputError(
                f"The Ray node {host} cannot open a file that is here: {path}. Files must lie at "
                "the same path on every node.",
                f"ls {path} on {host}",
            )


def _near_pairs(hashes: np.ndarray, threshold: int) -> HashPairs:
    """Find pairs as ``hamming.near_pairs`` does, each task a share of the block contents."""
    return _merge(_shares(_near_share, hashes, threshold, "matching hashes"))


def _similar_pairs(thumbs: np.ndarray, rotations: bool) -> SimilarPairs:
    """Find pairs as ``pair_search.similar_pairs`` does, each task a share of the first images."""
    return SimilarPairs(*_merge(_shares(_similar_share, thumbs, rotations, "matching images")))


def _shares(task: _Share, array: np.ndarray, option: Any, label: str) -> list[Any]:
    """Return the results of all shares of a search; a few run at a time."""
    import ray

    n = min(_SHARES * _processors(), _MAX_SHARES)
    stored = ray.put(array)
    remote = ray.remote(_answer).options(scheduling_strategy="SPREAD")
    calls = ((task, stored, option, (k, n)) for k in range(n))
    answers = []
    for node, answer in track(_results(remote, calls, _AT_ONCE * _processors()), n, label):
        LOG.debug("node %s matched a share", node)
        answers.append(answer)
    return answers


def _results(remote: Any, calls: Iterator[tuple], most: int) -> Iterator[Any]:
    """Yield results as they come; a new call starts when one of ``most`` has ended."""
    import ray

    waiting: list[Any] = []
    try:
        for call in calls:
            if len(waiting) == most:
                done, waiting = ray.wait(waiting)
                yield ray.get(done[0])
            waiting.append(remote.remote(*call))
        while waiting:
            done, waiting = ray.wait(waiting)
            yield ray.get(done[0])
    finally:
        for answer in waiting:
            ray.cancel(answer)


def _answer(task: _Share, array: np.ndarray, option: Any, part: tuple[int, int]) -> tuple[str, Any]:
    return _node(), task(array, option, part)


def _node() -> str:
    import ray

    return ray.get_runtime_context().get_node_id()


def _near_share(hashes: np.ndarray, threshold: int, part: tuple[int, int]) -> Any:
    return near_pairs(hashes, threshold, part=part)


def _similar_share(thumbs: np.ndarray, rotations: bool, part: tuple[int, int]) -> Any:
    return tuple(similar_pairs(thumbs, rotations, part=part))


def _merge(shares: list[Any]) -> Any:
    """Merge disjoint shares to one table, sorted by i and j as the whole is."""
    columns = [np.concatenate(column) for column in zip(*shares, strict=True)]
    order = np.lexsort((columns[1], columns[0]))
    return tuple(column[order] for column in columns)
