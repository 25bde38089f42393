"""Export and import of datasets, and BloodMNIST by name."""

from __future__ import annotations

import http.server
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import bccurate
from bccurate.errors import InputError, UsageError
from bccurate.hub import downloads as published
from bccurate.hub.open import load_fiftyone


def _told(name: str, content: str = "filehash") -> Counter:
    dataset = load_fiftyone().load_dataset(name).match_tags("variant", bool=False)
    table = zip(*dataset.values([content, "ground_truth.label", "tags"]), strict=True)
    return Counter((digest, label, tuple(sorted(tags))) for digest, label, tags in table)


@pytest.fixture
def curated(rendered: Path, name: str) -> str:
    """A dataset with duplicates, splits, a person's tags, and a file that does not decode."""
    bccurate.import_(rendered, name)
    bccurate.dedupe(name)
    bccurate.split(name)
    dataset = load_fiftyone().load_dataset(name)
    dataset.limit(3).tag_samples(["seen by A; B", "ümläut"])
    return name


@pytest.mark.parametrize("format", ["imagefolder", "csv", "coco", "npz"])
def test_import_export_import_is_the_identity(curated: str, tmp_path: Path, cli, format) -> None:
    """Content, labels, splits and tags; variants stay behind; again it changes nothing."""
    bccurate.augment("augmix", curated)
    out = tmp_path / ("out.npz" if format == "npz" else "out")
    options = ["export", out, "-d", curated, "--format", format]
    first = cli(*options, "--json").json
    assert first["changed"] and not first["altered"]
    unreadable = load_fiftyone().load_dataset(curated).match_tags("unreadable")
    decoded_only = format in ("npz", "coco")
    assert len(first["skipped"]) == (len(unreadable) if decoded_only else 0)
    again = cli(*options)
    assert again.code == 0 and "Already up to date" in again.out
    other = f"{curated}-2"
    try:
        bccurate.import_(out, other)
        wanted = _told(curated, "pixelhash" if format == "npz" else "filehash")
        if decoded_only:
            wanted = Counter({key: n for key, n in wanted.items() if "unreadable" not in key[2]})
        assert _told(other, "pixelhash" if format == "npz" else "filehash") == wanted
        assert bccurate.import_(out, other).changed is False
    finally:
        load_fiftyone().delete_dataset(other)


def test_a_view_goes_out_alone(curated: str, tmp_path: Path, cli) -> None:
    """--view exports its samples and no others; a mistyped one is told with the nearest."""
    record = bccurate.export(tmp_path / "out", curated, view="test")
    stored = load_fiftyone().load_dataset(curated).load_saved_view("test")
    assert record.exported == len(stored) > 0
    outcome = cli("export", tmp_path / "x", "-d", curated, "--view", "tset")
    assert outcome.code == 2 and "Did you mean test" in outcome.err
    outcome = cli("export", tmp_path / "x.npz", "-d", curated, "--format", "csv")
    assert outcome.code == 2 and "--format csv" in outcome.err


def test_a_file_that_was_changed_after_its_export_is_noted(
    curated: str, tmp_path: Path, name: str
) -> None:
    """The import tells which file is not the one that was exported, and takes it all the same."""
    bccurate.export(tmp_path / "out", curated, "csv", view="test")
    victim = sorted((tmp_path / "out" / "images").iterdir())[0]
    victim.write_bytes(victim.read_bytes() + b"\0")
    load_fiftyone().delete_dataset(curated)
    record = bccurate.import_(tmp_path / "out", name)
    assert [row["filepath"] for row in record.notes if "sha256" in row["note"]] == [str(victim)]


class _Server(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def bloodmnist(tmp_path: Path, monkeypatch) -> published.Published:
    """A small file of BloodMNIST's layout, served on this machine at its published address."""
    monkeypatch.setenv("BCCURATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "www").mkdir()
    file = tmp_path / "www" / "bloodmnist_64.npz"
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    np.savez_compressed(
        file,
        **{f"{split}_images": pixels for split in ("train", "val", "test")},
        **{f"{s}_labels": np.array([[0], [7]], np.uint8) for s in ("train", "val", "test")},
    )
    from bccurate.files import md5_of_file

    made = published.Published(file.name, md5_of_file(file))
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *a: _Server(*a, directory=str(tmp_path / "www"))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    monkeypatch.setattr(published, "_ADDRESS", f"http://127.0.0.1:{port}/{{file}}?download=1")
    monkeypatch.setitem(published.SIZES, 64, made)
    yield made
    server.shutdown()
    server.server_close()


def test_bloodmnist_is_fetched_once_and_held_to_its_md5(bloodmnist, tmp_path, cli, name) -> None:
    """By name alone: splits and class names come along; a file by hand must be the very one."""
    first = cli("import", "bloodmnist", "--size", 64, "--name", name, "--json")
    assert first.code == 0, first.err
    assert first.json["class_counts"] == {"basophil": 3, "platelet": 3}
    dataset = load_fiftyone().load_dataset(name)
    assert {s: dataset.match_tags(s).count() for s in ("train", "val", "test")} == {
        "train": 2, "val": 2, "test": 2
    }  # fmt: skip
    kept = tmp_path / "home" / "downloads" / "bloodmnist_64.npz"
    (tmp_path / "www" / "bloodmnist_64.npz").unlink()
    assert bccurate.import_("bloodmnist", name, size=64).changed is False
    kept.write_bytes(kept.read_bytes()[:-1])
    with pytest.raises(InputError, match="not the file that MedMNIST published"):
        bccurate.import_("bloodmnist", name, size=64)


def test_another_file_than_published_is_not_kept(bloodmnist, tmp_path, name) -> None:
    """What the address gives is thrown away where its MD5 is not the published one."""
    served = tmp_path / "www" / "bloodmnist_64.npz"
    served.write_bytes(served.read_bytes() + b"x")
    with pytest.raises(InputError, match="another file"):
        bccurate.import_("bloodmnist", name, size=64)
    assert not list((tmp_path / "home").rglob("*.npz"))


def test_without_a_network_the_message_says_what_to_bring(tmp_path, monkeypatch, cli) -> None:
    """Within two seconds: the address, the file's name, and where to put it."""
    monkeypatch.setenv("BCCURATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(published, "_ADDRESS", "http://127.0.0.1:9/{file}")
    load_fiftyone()
    began = time.perf_counter()
    outcome = cli("import", "bloodmnist", "--size", 224)
    assert time.perf_counter() - began < 4
    assert outcome.code == 4
    assert "bloodmnist_224.npz is not on this machine" in outcome.err
    assert f"put it at {tmp_path / 'downloads' / 'bloodmnist_224.npz'}" in outcome.err


def test_the_published_table_is_medmnists_own() -> None:
    """Names, addresses and MD5s are those of the package, where it is installed."""
    info = pytest.importorskip("medmnist.info").INFO["bloodmnist"]
    for size, file in published.SIZES.items():
        tail = "" if size == 28 else f"_{size}"
        assert (file.address, file.md5) == (info[f"url{tail}"], info[f"MD5{tail}"])


def test_names_and_sizes_are_checked(tmp_path, cli, monkeypatch) -> None:
    """A folder without --name, an unknown size, and a size for a format that has none."""
    with pytest.raises(UsageError, match="needs a name"):
        bccurate.import_(tmp_path)
    with pytest.raises(UsageError, match="--size cannot be 32"):
        bccurate.import_("bloodmnist", size=32)
    with pytest.raises(UsageError, match="--size is for an npz"):
        bccurate.export(tmp_path / "x", "d", "csv", size=8)
