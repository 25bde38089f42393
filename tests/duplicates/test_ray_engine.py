"""The Ray engine on a real cluster of two nodes: the result of the local one, bit for bit."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest

from bccurate.duplicates import ray_engine
from bccurate.duplicates.engine import LOCAL
from bccurate.duplicates.groups import ImageColumns, SearchOptions, find_groups
from bccurate.duplicates.select_engine import connected
from bccurate.errors import InputError, UsageError
from bccurate.images.hashing import to_uint64
from bccurate.images.image_stats import RECORD, Batch, Unreadable
from bccurate.images.thumbnail import from_text

# Read at import: without it Ray takes 127.0.0.1 for the machine's address in the network.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'bccurate[ray]'")
from ray.cluster_utils import Cluster  # noqa: E402

NODE = {
    "num_cpus": 1,
    "object_store_memory": 100 << 20,
    "include_dashboard": False,
    "node_ip_address": "127.0.0.1",
}


@pytest.fixture(scope="module")
def cluster():
    """Head and worker on loopback, one processor each; the address of the head."""
    folder = tempfile.mkdtemp(prefix="ray-")  # short: the paths of sockets lie below it
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TMPDIR", folder)  # not /tmp, where a person's own cluster is noted
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.delenv("RAY_ADDRESS", raising=False)
        (Path(folder) / "ray").mkdir()
        nodes = Cluster(initialize_head=True, head_node_args=NODE)
        nodes.add_node(**NODE)
        yield nodes.address
        nodes.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def engine(cluster):
    with connected("ray", cluster) as engine:
        yield engine


@pytest.fixture(scope="module")
def cells(tmp_path_factory) -> list[str]:
    """200 rendered cells, planted copies and 3 broken files among them, and a text."""
    from bccurate import sample

    folder = tmp_path_factory.mktemp("ray-cells")
    sample(folder, n=200, seed=11)
    (folder / "text.png").write_text("no image")
    return sorted(str(path) for path in folder.rglob("*.png"))


@pytest.fixture(scope="module")
def stats(cells):
    return list(LOCAL.read_stats(cells))


@pytest.fixture
def nodes(caplog):
    """The ids of the nodes that worked, read from the log."""
    caplog.set_level(logging.DEBUG, logger=ray_engine.__name__)
    return lambda: {record.args[0] for record in caplog.records}


def test_two_nodes_read_as_one_machine(engine, cells, stats, nodes) -> None:
    """Statistics come in the order of the paths and equal the local ones, the unreadable too."""
    assert list(engine.read_stats(cells)) == stats
    assert any(isinstance(found, Unreadable) for found in stats)
    assert len(nodes()) == 2
    assert list(engine.read_stats([])) == []


@pytest.mark.parametrize(("n", "rotations"), [(200, False), (60, True)])
def test_two_nodes_give_the_groups_of_one_machine(engine, stats, nodes, n, rotations) -> None:
    """The groups of cells with planted copies are the local ones, members and similarities."""
    readable = [found for found in stats if not isinstance(found, Unreadable)][:n]
    assert len(readable) == n
    columns = ImageColumns(
        [found.pixelhash for found in readable],
        to_uint64([found.phash for found in readable]),
        np.array([found.intensity_std for found in readable]),
        from_text([found.thumb for found in readable]),
    )
    arguments = (columns, SearchOptions(6, rotations), lambda index: (index,))
    here, there = find_groups(*arguments), find_groups(*arguments, engine=engine)
    assert here.groups and there.groups == here.groups
    assert all(map(np.array_equal, there.joined, here.joined))
    assert len(nodes()) == 2


@pytest.mark.parametrize("threshold", [0, 4, 10])
def test_shares_together_give_all_pairs(engine, threshold) -> None:
    """Pairs of 3,000 hashes with planted neighbours: every one once, in the local order."""
    rng = np.random.default_rng(threshold)
    hashes = rng.integers(0, 2**64, 3000, dtype=np.uint64)
    hashes[2000:] = hashes[:1000] ^ (np.uint64(1) << rng.integers(0, 64, 1000, dtype=np.uint64))
    hashes[2500:] = hashes[:500]
    here, there = LOCAL.near_pairs(hashes, threshold), engine.near_pairs(hashes, threshold)
    assert len(here[0]) >= 500
    for one, two in zip(here, there, strict=True):
        assert one.dtype == two.dtype
        np.testing.assert_array_equal(one, two)


def test_a_file_that_only_this_machine_sees_ends_the_command(tmp_path) -> None:
    """A path that a node cannot open ends the command; one that is gone everywhere does not."""
    here = tmp_path / "a.png"
    here.write_bytes(b"x")

    def batch(path: Path, reason: str) -> Batch:
        return Batch([str(path)], np.zeros(1, RECORD), {}, {0: reason})

    gone = "cannot be opened: No such file or directory"
    with pytest.raises(InputError, match=r"node 10\.0\.0\.7 cannot open .*a\.png.*same path"):
        ray_engine._check_seen(batch(here, gone), "10.0.0.7")
    ray_engine._check_seen(batch(tmp_path / "b.png", gone), "10.0.0.7")
    ray_engine._check_seen(batch(here, "empty file"), "10.0.0.7")


def test_a_node_of_another_version_is_named(engine, monkeypatch) -> None:
    """Pillow of another version decodes other pixels: the command says so and does not run."""
    monkeypatch.setattr(ray_engine.PIL, "__version__", "0.0")
    with pytest.raises(UsageError, match=r"127\.0\.0\.1 has bccurate.*pillow==0\.0"):
        ray_engine._check_nodes(ray)


def test_the_command_line_gives_the_local_result(cli, name, cells, cluster, engine) -> None:
    """`dedupe --engine ray` decodes, groups as `dedupe` did, and prints JSON alone."""
    import fiftyone as fo

    assert cli("import", Path(cells[0]).parents[1], "--name", name).code == 0
    here = cli("dedupe", "-d", name, "--json")
    dataset = fo.load_dataset(name)
    dataset.clear_sample_field("phash")
    there = cli("dedupe", "-d", name, "--json", "--engine", "ray", "--ray-address", cluster)
    assert there.code == 0, there.err
    assert there.json["decoded"] == here.json["counts"]["samples"] == 197
    assert there.json["groups"] == here.json["groups"] != []
    assert ray.is_initialized()  # the caller's connection is left as it was
