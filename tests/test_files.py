"""Files are written completely or not at all."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from bccurate.archives import unpack
from bccurate.errors import InputError, NoSpaceError
from bccurate.files import atomic_write, disk_errors, safe_name, sha256_of_file


def _tree(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*")}


def _tar(path: Path, *members: tuple[tarfile.TarInfo | str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:
        for info, data in members:
            info = tarfile.TarInfo(info) if isinstance(info, str) else info
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def test_an_error_leaves_the_old_file_and_no_temporary_one(tmp_path: Path) -> None:
    """After an error inside ``atomic_write`` the folder is unchanged."""
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
def test_new_files_and_folders_have_the_permissions_of_the_umask(tmp_path, umask: int) -> None:
    """On a shared machine others can read them where the umask permits."""
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
def test_a_name_of_the_greatest_length_is_written(tmp_path: Path, name: str) -> None:
    """The name of the temporary file is not longer than a file name may be."""
    with atomic_write(tmp_path / name, "w") as handle:
        handle.write("1")
    assert _tree(tmp_path) == {name}


@pytest.mark.parametrize("place", ["a.txt/b.txt", "folder", "n" * 300])
def test_an_error_names_a_path_that_cannot_be_written(tmp_path: Path, place: str) -> None:
    """A file as parent, a folder of that name and a name too long are input errors."""
    (tmp_path / "a.txt").write_text("1")
    (tmp_path / "folder").mkdir()
    before = _tree(tmp_path)
    with pytest.raises(InputError, match="Cannot write"), atomic_write(tmp_path / place) as handle:
        handle.write(b"1")
    assert _tree(tmp_path) == before


def test_a_full_disk_is_reported_and_the_old_file_stays(tmp_path: Path) -> None:
    """A file and an archive larger than the disk leave it unchanged."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a small disk needs root")
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
    """Only a full disk and a refused write are translated."""
    with pytest.raises(FileNotFoundError), disk_errors(tmp_path):
        (tmp_path / "none").read_bytes()


def test_safe_names_are_distinct_folder_names() -> None:
    """No name leads outside its folder, is hidden, or equals another."""
    names = ["a", "a/b", "a_b", "..", ".", "", "../x", "a b", "ä", "日本", "n" * 300, "n" * 301]
    safe = [safe_name(name) for name in names]
    assert len(set(safe)) == len(names)
    assert all(s and "/" not in s and not s.startswith(".") and len(s) < 100 for s in safe)
    assert safe_name("cells-2.1") == "cells-2.1"


def test_sha256_of_a_file_equals_that_of_coreutils(tmp_path: Path) -> None:
    """For a file of three blocks and a part of one."""
    file = tmp_path / "a.bin"
    file.write_bytes(os.urandom((3 << 20) + 7))
    said = subprocess.run(["sha256sum", file], capture_output=True, text=True, check=True).stdout
    assert sha256_of_file(file) == said.split()[0]
