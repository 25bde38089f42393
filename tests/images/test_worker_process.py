"""Workers that are started ahead are the ones that the next read uses."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PIL import Image

from bccurate.images import worker_process, workers
from bccurate.images.workers import read_batches, read_many


def test_a_read_takes_the_workers_that_were_started_ahead(tmp_path: Path, monkeypatch) -> None:
    """Two are started, both are used, and no other is."""
    monkeypatch.setattr(worker_process.os, "cpu_count", lambda: 2)
    worker_process.start_ahead()
    worker_process.start_ahead()  # the second call finds them
    monkeypatch.setattr(workers, "spawn", None)
    Image.new("RGB", (16, 16), (9, 8, 7)).save(tmp_path / "a.png")
    assert len(list(read_many([str(tmp_path / "a.png")] * 400, workers=2))) == 400
    assert worker_process.take_spare() is None


def test_batches_hold_one_hash_and_what_read_many_gives(tmp_path: Path) -> None:
    """100 files, one broken: two batches, the hash asked for, no digest, the reason by index."""
    paths = [str(tmp_path / f"{number:03d}.png") for number in range(100)]
    for number, path in enumerate(paths):
        Image.effect_noise((32, 32), 40 + number).save(path)
    Path(paths[70]).write_text("no image")
    one, two = read_batches(paths, "dhash", workers=1)
    stats = list(read_many(paths))
    assert (len(one.records), len(two.records)) == (64, 36)
    assert (one.unreadable, list(two.unreadable)) == ({}, [6])
    for batch, found in ((one, stats[:64]), (two, stats[64:])):
        for index, record in enumerate(batch.records):
            if index in batch.unreadable:
                assert batch.unreadable[index] == found[index].reason
            else:
                assert f"{int(record['dhash']):016x}" == found[index].dhash
                assert (record["width"], not any(record["pixelhash"].tobytes())) == (32, True)


def test_a_small_read_uses_a_worker_of_the_large_read_before(tmp_path: Path, monkeypatch) -> None:
    """Also from another folder: relative paths are those of the command, not of the worker."""
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (16, 16), (9, 8, 7)).save("a.png")
    monkeypatch.setattr(workers, "_own_pool", cache(workers._Pool))
    large = list(read_many(["a.png"] * 200, workers=2))
    monkeypatch.setattr(workers, "spawn", None)
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "b")
    Image.new("RGB", (20, 20), (1, 2, 3)).save("a.png")
    (small,) = read_many(["a.png"])
    assert (large[0].width, small.width) == (16, 20)
    workers._own_pool().end()
