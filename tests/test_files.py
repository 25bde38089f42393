"""Writes that are whole or not at all, and archives of which nobody knows the author."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from bccurate import files
from bccurate.errors import InputError, NoSpaceError
from bccurate.files import atomic_write, disk_errors, safe_name, sha256_of_file, unpack


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
    """Unpack; None where it was refused, and then nothing at all is left."""
    before = _tree(target.parent)
    try:
        return unpack(archive, target)
    except InputError as error:
        assert str(archive) in error.message
        assert _tree(target.parent) == before
        return None


def test_an_error_leaves_the_old_file_and_no_temporary_one(tmp_path: Path) -> None:
    """After an error inside ``atomic_write`` the folder is what it was."""
    file = tmp_path / "a.txt"
    file.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(file, "w") as handle:
        handle.write("new")
        raise RuntimeError
    with pytest.raises(KeyboardInterrupt), atomic_write(file) as handle:
        raise KeyboardInterrupt
    assert file.read_text() == "old"
    assert _tree(tmp_path) == {"a.txt"}


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
def test_new_files_and_folders_have_the_rights_that_the_umask_gives(tmp_path, umask: int) -> None:
    """Colleagues can read what a shared machine holds, where the umask lets them."""
    archive = _tar(tmp_path / "a.tar", ("x/y.txt", b"1"))
    old = os.umask(umask)
    try:
        with atomic_write(tmp_path / "new" / "a.txt") as handle:
            handle.write(b"1")
        target = unpack(archive, tmp_path / "out")
    finally:
        os.umask(old)
    assert (tmp_path / "new" / "a.txt").stat().st_mode & 0o777 == 0o666 & ~umask
    assert target.stat().st_mode & 0o777 == 0o777 & ~umask


@pytest.mark.parametrize("name", ["🩸" * 60, "n" * 255])
def test_a_name_that_the_disk_takes_is_written(tmp_path: Path, name: str) -> None:
    """The temporary file's name is never longer than the file's own may be."""
    with atomic_write(tmp_path / name, "w") as handle:
        handle.write("1")
    assert _tree(tmp_path) == {name}


@pytest.mark.parametrize("place", ["a.txt/b.txt", "folder", "n" * 300])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, place: str) -> None:
    """A file in the way, a folder of that name, a name too long: an input error."""
    (tmp_path / "a.txt").write_text("1")
    (tmp_path / "folder").mkdir()
    before = _tree(tmp_path)
    with pytest.raises(InputError, match="Cannot write"), atomic_write(tmp_path / place) as handle:
        handle.write(b"1")
    assert _tree(tmp_path) == before


def test_a_full_disk_is_named_and_the_old_file_stays(tmp_path: Path) -> None:
    """On a disk of 64 KiB a larger file and a larger archive leave all as it was."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a small disk takes root")
    try:
        (disk / "a.bin").write_bytes(b"old")
        archive = _tar(tmp_path / "a.tar", ("x.bin", os.urandom(200_000)))
        with pytest.raises(NoSpaceError, match=r"a\.bin"), atomic_write(disk / "a.bin") as handle:
            handle.write(bytes(200_000))
        with pytest.raises(NoSpaceError):
            unpack(archive, disk / "out")
        assert (disk / "a.bin").read_bytes() == b"old"
        assert _tree(disk) == {"a.bin"}
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_other_errors_pass_disk_errors_unchanged(tmp_path: Path) -> None:
    """Only a full disk and a refused write are told as such."""
    with pytest.raises(FileNotFoundError), disk_errors(tmp_path):
        (tmp_path / "none").read_bytes()


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_plain_files_and_folders_come_out_of_a_tar(tmp_path: Path, mode: str) -> None:
    """Every compression; what is neither file nor folder is left out."""
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
def test_nothing_comes_out_beside_the_target(tmp_path: Path, make, name: str) -> None:
    """``..``, absolute names, NULs and endless names: refused whole, or kept inside."""
    box = tmp_path / "box"
    box.mkdir()
    archive = make(tmp_path / "a.archive", (name.format(root=tmp_path), b"evil"), ("ok", b"fine"))
    target = _unpack(archive, box / "out")
    assert not list(tmp_path.glob("evil")) and not (box / "evil").exists()
    assert _tree(box) == ({"out", *(f"out/{p}" for p in _tree(target))} if target else set())


def test_a_link_is_no_way_out(tmp_path: Path) -> None:
    """A file below a linked folder lands in a folder of the target, not behind the link."""
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


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    """80 MiB of zeros in 80 KiB do not get onto the disk."""
    zeros = bytes(80 << 20)
    assert _unpack(_tar(tmp_path / "a.tgz", ("x", zeros), mode="w:gz"), tmp_path / "out") is None
    assert _unpack(_zip(tmp_path / "a.zip", ("x", zeros)), tmp_path / "out") is None


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch) -> None:
    """The cap counts members; one below it passes."""
    monkeypatch.setattr(files, "MAX_MEMBERS", 5)
    for make in (_tar, _zip):
        five = make(tmp_path / f"5{make.__name__}", *[(f"{i}", b"") for i in range(5)])
        six = make(tmp_path / f"6{make.__name__}", *[(f"{i}", b"") for i in range(6)])
        assert len(_tree(unpack(five, tmp_path / f"out{make.__name__}"))) == 5
        assert _unpack(six, tmp_path / "never") is None


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_broken_tar_is_refused_whole(tmp_path: Path, mode: str) -> None:
    """Cut anywhere or with bytes turned over: all that was in it, or nothing."""
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


def test_a_broken_zip_is_refused_whole(tmp_path: Path) -> None:
    """Cut, flipped, encrypted by its flags, one name for a file and a folder: refused."""
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
    """An npz is a zip: its end must not be taken for that of the archive around it."""
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


def test_a_second_unpack_takes_what_is_there(tmp_path: Path) -> None:
    """A target is the finished work of an earlier call: it is not touched."""
    archive = _tar(tmp_path / "a.tar", ("x", b"1"))
    target = unpack(archive, tmp_path / "out")
    (target / "x").write_text("mine")
    archive.unlink()
    assert unpack(archive, target) == target
    assert (target / "x").read_text() == "mine"


def test_safe_names_are_one_folder_each() -> None:
    """No name leaves its folder, hides, or meets another's."""
    names = ["a", "a/b", "a_b", "..", ".", "", "../x", "a b", "ä", "日本", "n" * 300, "n" * 301]
    safe = [safe_name(name) for name in names]
    assert len(set(safe)) == len(names)
    assert all(s and "/" not in s and not s.startswith(".") and len(s) < 100 for s in safe)
    assert safe_name("cells-2.1") == "cells-2.1"


def test_sha256_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    """Three blocks and a rest, compared with coreutils."""
    file = tmp_path / "a.bin"
    file.write_bytes(os.urandom((3 << 20) + 7))
    said = subprocess.run(["sha256sum", file], capture_output=True, text=True, check=True).stdout
    assert sha256_of_file(file) == said.split()[0]


def test_a_member_after_a_broken_header_is_never_lost_in_silence(tmp_path: Path) -> None:
    """tarfile itself stops there as if the archive had ended; the second file must not vanish."""
    archive = _tar(tmp_path / "a.tar", ("x", b"1" * 600), ("y", b"2" * 600))
    whole = bytearray(archive.read_bytes())
    whole[512 + 1024 + 100] ^= 0xFF  # in the header of y
    archive.write_bytes(whole)
    assert _unpack(archive, tmp_path / "out") is None
