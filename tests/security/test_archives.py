"""Untrusted archives are extracted completely or not at all, inside the target only."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from bccurate import archives
from bccurate.archives import unpack
from bccurate.errors import InputError


def _tree(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*")}


def _tar(path: Path, *members: tuple[tarfile.TarInfo | str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:
        for info, data in members:
            info = tarfile.TarInfo(info) if isinstance(info, str) else info
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def _zip(path: Path, *members: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for info, data in members:
            packed.writestr(info, data)
    return path


def _special(name: str, kind: bytes, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info, b""


def _unpack(archive: Path, target: Path) -> Path | None:
    """Unpack; return None where the archive was refused and nothing was written."""
    before = _tree(target.parent)
    try:
        return unpack(archive, target)
    except InputError as error:
        assert str(archive) in error.message
        assert _tree(target.parent) == before
        return None


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_only_files_and_folders_are_extracted_from_a_tar(tmp_path: Path, mode: str) -> None:
    """With each compression; links, pipes and devices are left out."""
    archive = _tar(
        tmp_path / "a.tar",
        ("d/x.txt", b"one"),
        _special("soft", tarfile.SYMTYPE, "/etc/passwd"),
        _special("hard", tarfile.LNKTYPE, "d/x.txt"),
        _special("pipe", tarfile.FIFOTYPE),
        _special("disk", tarfile.BLKTYPE),
        ("d/y.txt", b"two"),
        mode=mode,
    )
    target = unpack(archive, tmp_path / "out")
    assert _tree(target) == {"d", "d/x.txt", "d/y.txt"}
    assert (target / "d/y.txt").read_bytes() == b"two"


@pytest.mark.parametrize("name", ["../evil", "/{root}/evil", "a/../../evil", "n" * 300, "a\0b"])
@pytest.mark.parametrize("make", [_tar, _zip])
def test_nothing_is_written_outside_the_target(tmp_path: Path, make, name: str) -> None:
    """Archives with ``..``, absolute names, NULs or long names are refused, or extracted inside."""
    box = tmp_path / "box"
    box.mkdir()
    archive = make(tmp_path / "a.archive", (name.format(root=tmp_path), b"evil"), ("ok", b"fine"))
    target = _unpack(archive, box / "out")
    assert not list(tmp_path.glob("evil")) and not (box / "evil").exists()
    assert _tree(box) == ({"out", *(f"out/{p}" for p in _tree(target))} if target else set())


def test_a_link_does_not_lead_outside_the_target(tmp_path: Path) -> None:
    """A file below a linked folder is written to a real folder of the target."""
    outside = tmp_path / "outside"
    outside.mkdir()
    link = _special("d", tarfile.SYMTYPE, str(outside))
    target = _unpack(_tar(tmp_path / "a.tar", link, ("d/x", b"1")), tmp_path / "out")
    assert target and (target / "d" / "x").is_file() and not (target / "d").is_symlink()
    info = zipfile.ZipInfo("d")
    info.external_attr = 0o120777 << 16
    target = _unpack(_zip(tmp_path / "a.zip", (info, bytes(outside))), tmp_path / "zipped")
    assert target and _tree(target) == set()
    assert not _tree(outside)


def test_an_archive_with_an_extreme_compression_ratio_is_refused(tmp_path: Path) -> None:
    """80 MiB of zeros in 80 KiB are not extracted."""
    zeros = bytes(80 << 20)
    assert _unpack(_tar(tmp_path / "a.tgz", ("x", zeros), mode="w:gz"), tmp_path / "out") is None
    assert _unpack(_zip(tmp_path / "a.zip", ("x", zeros)), tmp_path / "out") is None


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch) -> None:
    """An archive with exactly the maximum number of members is extracted."""
    monkeypatch.setattr(archives, "MAX_MEMBERS", 5)
    for make in (_tar, _zip):
        five = make(tmp_path / f"5{make.__name__}", *[(f"{i}", b"") for i in range(5)])
        six = make(tmp_path / f"6{make.__name__}", *[(f"{i}", b"") for i in range(6)])
        assert len(_tree(unpack(five, tmp_path / f"out{make.__name__}"))) == 5
        assert _unpack(six, tmp_path / "never") is None


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_corrupt_tar_is_refused(tmp_path: Path, mode: str) -> None:
    """A truncated tar or one with changed bytes gives all its files or none."""
    data = os.urandom(20_000)
    archive = _tar(tmp_path / "a.tar", ("x", data), ("y", data), mode=mode)
    whole = archive.read_bytes()
    broken = [whole[: len(whole) * part // 10] for part in (0, 1, 4, 7)]
    flipped = bytearray(whole)
    flipped[len(whole) // 2 : len(whole) // 2 + 40] = bytes(40)
    for number, content in enumerate([*broken, bytes(flipped)]):
        archive.write_bytes(content)
        target = _unpack(archive, tmp_path / f"out{number}")
        assert target is None or _tree(target) == {"x", "y"}


def test_a_corrupt_zip_is_refused(tmp_path: Path) -> None:
    """Truncated, changed or encrypted, or with one name for a file and a folder."""
    archive = _zip(tmp_path / "a.zip", ("x", os.urandom(20_000) + bytes(20_000)))
    whole = archive.read_bytes()
    flipped = bytearray(whole)
    flipped[5_000:5_040] = bytes(40)
    encrypted = bytearray(whole)
    encrypted[6] |= 1
    encrypted[whole.rindex(b"PK\x01\x02") + 8] |= 1
    for content in (whole[:15_000], bytes(flipped), bytes(encrypted), b"PK\x03\x04", b"no archive"):
        archive.write_bytes(content)
        assert _unpack(archive, tmp_path / "out") is None
    for make in (_tar, _zip):
        archive = make(tmp_path / f"b{make.__name__}", ("x", b"1"), ("x/y", b"2"))
        assert _unpack(archive, tmp_path / "out") is None


def test_a_tar_that_ends_in_a_zip_is_a_tar(tmp_path: Path) -> None:
    """The end of an npz, which is a zip, is not taken for the end of the tar around it."""
    inner = _zip(tmp_path / "inner.npz", ("labels.npy", b"1"))
    archive = _tar(tmp_path / "a.tar", ("cells.npz", inner.read_bytes()))
    assert _tree(unpack(archive, tmp_path / "out")) == {"cells.npz"}


def test_a_negative_size_is_refused(tmp_path: Path) -> None:
    """A size below zero would take away from what the caps count."""
    info = tarfile.TarInfo("x")
    info.size = -512
    archive = tmp_path / "a.tar"
    archive.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    assert _unpack(archive, tmp_path / "out") is None


def test_an_interrupted_unpack_leaves_nothing_and_the_next_one_is_whole(
    tmp_path: Path, monkeypatch
) -> None:
    """Ctrl-C in the middle: no target, no rest; then the same call does it all."""
    archive = _tar(tmp_path / "a.tar", ("x", b"1"), ("y", b"2"))
    box = tmp_path / "box"
    extract = tarfile.TarFile.extract

    def stop_at_y(self, member, *args, **kwargs):
        if member.name == "y":
            raise KeyboardInterrupt
        return extract(self, member, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(tarfile.TarFile, "extract", stop_at_y)
        with pytest.raises(KeyboardInterrupt):
            unpack(archive, box / "out")
    assert not _tree(box)
    assert _tree(unpack(archive, box / "out")) == {"x", "y"}


def test_a_second_unpack_keeps_the_existing_target(tmp_path: Path) -> None:
    """An existing target is complete and stays as it is."""
    archive = _tar(tmp_path / "a.tar", ("x", b"1"))
    target = unpack(archive, tmp_path / "out")
    (target / "x").write_text("mine")
    archive.unlink()
    assert unpack(archive, target) == target
    assert (target / "x").read_text() == "mine"


def test_a_tar_with_a_broken_header_is_refused(tmp_path: Path) -> None:
    """tarfile would stop there as if the archive had ended, and lose the second file."""
    archive = _tar(tmp_path / "a.tar", ("x", b"1" * 600), ("y", b"2" * 600))
    whole = bytearray(archive.read_bytes())
    whole[512 + 1024 + 100] ^= 0xFF  # in the header of y
    archive.write_bytes(whole)
    assert _unpack(archive, tmp_path / "out") is None


def _named(name: str, make) -> tuple:
    """Return a member whose name ``ZipInfo`` and ``TarInfo`` would otherwise change."""
    if make is _zip:
        info = zipfile.ZipInfo("x")
        info.filename = name
        return info, b"evil"
    info = tarfile.TarInfo(name)
    if "\0" in name:  # a short name of a tar ends at its first NUL; a record of PAX does not
        info = tarfile.TarInfo("x")
        info.pax_headers = {"path": name}
    return info, b"evil"


def _linked(kind: str, make, outside: Path) -> list[tuple]:
    """Return a link or a device, and a file that would be written through it."""
    types = {"symlink": tarfile.SYMTYPE, "hardlink": tarfile.LNKTYPE,
             "character device": tarfile.CHRTYPE, "block device": tarfile.BLKTYPE,
             "pipe": tarfile.FIFOTYPE}  # fmt: skip
    modes = {"symlink": 0o120777, "character device": 0o020666, "block device": 0o060666,
             "pipe": 0o010666, "hardlink": 0o140777}  # a zip has none: a socket  # fmt: skip
    if make is _tar:
        return [_special("d", types[kind], str(outside)), ("d/evil", b"evil")]
    info = zipfile.ZipInfo("d")
    info.external_attr = modes[kind] << 16
    return [(info, bytes(outside)), ("d/evil", b"evil")]


LINKS = ["symlink", "hardlink", "character device", "block device", "pipe"]
NAMES = [
    "../evil", "../../evil", "a/../../evil", "a/b/../../../evil", "./../evil", "..", "../",
    "/{root}/evil", "//{root}/evil", "///{root}/box/evil", "/", "/etc/evil-bccurate",
    "n" * 300, "d/" + "n" * 300, "d/" * 3000 + "x", "a\0b", "\0", "evil\0.png", "../evil\0.png",
    ".", "",
]  # fmt: skip
HOSTILE = [(make, what) for make in (_tar, _zip) for what in (*LINKS, *NAMES)]


@pytest.mark.parametrize(("make", "what"), HOSTILE)
def test_a_hostile_member_is_refused_or_kept_inside(tmp_path, capfd, make, what) -> None:
    """No file is written outside the target; a changed name is reported."""
    box, outside = tmp_path / "box", tmp_path / "outside"
    box.mkdir()
    outside.mkdir()
    members = _linked(what, make, outside) if what in LINKS else None
    members = members or [_named(what.format(root=tmp_path), make)]
    archive = make(tmp_path / "a.archive", *members, ("ok.txt", b"fine"))
    target = _unpack(archive, box / "out")
    assert not list(outside.iterdir()) and not Path("/etc/evil-bccurate").exists()
    assert {p.name for p in tmp_path.iterdir()} == {"a.archive", "box", "outside"}
    assert {p.name for p in box.iterdir()} == ({"out"} if target else set())
    if target is None:
        return
    assert not any(p.is_symlink() or not (p.is_file() or p.is_dir()) for p in target.rglob("*"))
    assert (target / "ok.txt").read_bytes() == b"fine"
    reported = f"{archive}: " in capfd.readouterr().err
    assert reported or os.path.normpath(what) in _tree(target)


@pytest.mark.parametrize("make", [_tar, _zip])
def test_a_name_that_occurs_twice_is_reported(tmp_path: Path, capfd, make) -> None:
    """The last file is kept, as tar and unzip do, and the loss of the first is reported."""
    archive = make(tmp_path / "a.archive", ("a.png", b"first"), ("./a.png", b"last"))
    target = unpack(archive, tmp_path / "out")
    assert (target / "a.png").read_bytes() == b"last"
    assert "packed twice" in capfd.readouterr().err


@pytest.mark.parametrize("make", [_tar, _zip])
def test_names_that_clash_by_case_lose_no_file(tmp_path: Path, monkeypatch, make) -> None:
    """Both are extracted where the disk distinguishes case, else the archive is refused."""
    archive = make(tmp_path / "a.archive", ("A.png", b"1"), ("a.png", b"2"))
    assert _tree(unpack(archive, tmp_path / "out")) == {"A.png", "a.png"}
    exists = os.path.lexists
    monkeypatch.setattr(
        archives.os.path,
        "lexists",
        lambda path: exists(path) or exists(Path(path).with_name(Path(path).name.swapcase()))
        or exists(Path(path).with_name(Path(path).name.capitalize())),
    )  # fmt: skip
    assert _unpack(archive, tmp_path / "folded") is None
