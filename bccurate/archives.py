"""Safely extract untrusted archives: whole or not at all, and nowhere else.

``tarfile`` and ``zipfile`` read the directory of a zip and the long headers of a tar at once,
however large they claim to be, before a single member is known; ``_Guarded`` stands between.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from bccurate.errors import InputError
from bccurate.files import atomic_folder, disk_errors
from bccurate.progress import say

MAX_MEMBERS = 500_000
MAX_UNPACKED_BYTES = 64 << 30
MAX_RATIO = 200  # unpacked bytes a packed byte; images do not compress, bombs do
MAX_SMALL = 64 << 20  # what may be unpacked whatever the ratio
MAX_DIRECTORY = 100 << 20  # of a zip: 200 bytes a member
MAX_TAR_HEADER = 1 << 20  # one read of tarfile: a header, or the long name of a member
# No number at all: gzip and bz2 raise a bare OSError for bytes that are not theirs.
OF_A_MEMBER = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL)
ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")  # is_zipfile takes a tar that ends in an npz for one
ZIP_MEMBER = b"PK\x01\x02"  # how a member's entry in the directory of a zip begins
COMPRESSED = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\x00", lzma.open))
BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
          EOFError, ValueError, RuntimeError)  # fmt: skip


def unpack(archive: Path, target: Path) -> Path:
    """Unpack a .tar (also .gz, .bz2, .xz) or .zip into ``target``, whole or not at all.

    Only plain files and folders come out, never a link or a device, and nothing outside
    ``target``. What was left out, renamed or there twice is said. A ``target`` that exists is taken
    as the finished work of an earlier call.

    Raises:
        InputError: the archive is broken, hostile, or larger than the caps.
        NoSpaceError: the disk is full.
    """
    if target.exists():
        return target
    with disk_errors(target):
        try:
            with open(archive, "rb") as file:
                is_zip = file.read(4) in ZIP_STARTS
            with atomic_folder(target) as work:
                members = _Members(archive, work)
                (_unpack_zip if is_zip else _unpack_tar)(archive, members)
            members.tell()
        except BROKEN as error:
            raise InputError(f"Cannot unpack {archive}: {error}") from error
        except OSError as error:
            if error.errno not in (None, *OF_A_MEMBER):
                raise
            raise InputError(f"Cannot unpack {archive}: {error.strerror or error}") from error
    return target


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip to read, refused before its directory takes memory.

    Raises:
        InputError: more members than ``MAX_MEMBERS``, or a directory over ``MAX_DIRECTORY`` bytes.
        zipfile.BadZipFile: no zip, or a broken one.
    """
    with _Guarded(io.FileIO(path), path, MAX_DIRECTORY) as file, zipfile.ZipFile(file) as packed:
        file.most = None  # from here on the sizes in the directory are checked
        yield packed


def unpacked_size(path: Path) -> int:
    """The bytes that a zip says it unpacks to; those of the file where it is no zip.

    Raises:
        InputError, zipfile.BadZipFile: as ``open_zip``.
    """
    with open(path, "rb") as file:
        if file.read(4) not in ZIP_STARTS:
            return path.stat().st_size
    with open_zip(path) as packed:
        return sum(member.file_size for member in packed.infolist())


class _Guarded(io.BufferedReader):
    """A file of which no single read is larger than ``most``, or begins too many zip members."""

    def __init__(self, raw: Any, path: Path, most: int | None) -> None:
        super().__init__(raw, 1 << 16)
        self.path, self.most = path, most

    def read(self, size: int | None = -1, /) -> bytes:
        if self.most is None:
            return super().read(size)
        if size is not None and size > self.most:
            raise InputError(f"Cannot unpack {self.path}: a header of {size:,} bytes")
        data = super().read(size)
        if data.count(ZIP_MEMBER) > MAX_MEMBERS:
            raise InputError(f"{self.path} holds more than {MAX_MEMBERS:,} files")
        return data


class _Members:
    """What comes out of one archive: held to the caps, told where it is not as it was packed."""

    def __init__(self, archive: Path, target: Path) -> None:
        self.archive, self.target = archive, target
        self._limit = min(MAX_UNPACKED_BYTES, max(MAX_SMALL, archive.stat().st_size * MAX_RATIO))
        self._count = self._size = 0
        self._names: set[str] = set()
        self._odd: dict[str, list[str]] = {}

    def count(self, size: int, n: int = 1) -> None:
        """Add members of ``size`` bytes; raises where a cap is passed."""
        self._count += n
        self._size += size + n * tarfile.BLOCKSIZE  # headers alone can be a bomb
        if size < 0:  # a tar header can say so; it would count against the caps
            raise InputError(f"Cannot unpack {self.archive}: a member of {size} bytes")
        if self._count > MAX_MEMBERS:
            raise InputError(f"{self.archive} holds more than {MAX_MEMBERS:,} files")
        if self._size > self._limit:
            raise InputError(f"{self.archive} unpacks to more than {self._limit >> 20:,} MiB")

    def note(self, what: str, name: str) -> None:
        """Remember a member that does not come out as it was packed."""
        self._odd.setdefault(what, []).append(name)

    def claim(self, name: str, is_folder: bool) -> None:
        """Take a name inside the target; raises where two names are one file on this disk."""
        name = os.path.normpath(name)
        if not is_folder and os.path.lexists(self.target / name):
            if name not in self._names:
                raise InputError(f"Cannot unpack {self.archive}: another member is {name!r} too")
            self.note("packed twice, the last one was taken", name)
        self._names.add(name)

    def tell(self) -> None:
        """Say what was odd, a line a kind."""
        for what, names in self._odd.items():
            shown = ", ".join(ascii(name[:80]) for name in names[:3])
            more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
            say(f"{self.archive}: {what}: {shown}{more}")


def _unpack_tar(archive: Path, members: _Members) -> None:
    with _open_tar(archive) as (tar, stream):
        end = 0
        for member in tar:
            members.count(member.size)
            _extract_from_tar(tar, member, members)
            tar.members.clear()  # type: ignore[attr-defined]  # a kilobyte each, all kept
            end = tar.offset
        _check_end(stream, end, members)


def _extract_from_tar(tar: tarfile.TarFile, member: tarfile.TarInfo, members: _Members) -> None:
    if not (member.isfile() or member.isdir()):
        members.note("left out, neither file nor folder", member.name)
        return
    name = tarfile.data_filter(member, str(members.target)).name
    if name != member.name:
        members.note("renamed", member.name)
    members.claim(name, member.isdir())
    tar.extract(member, members.target, filter="data")


@contextmanager
def _open_tar(archive: Path) -> Iterator[tuple[tarfile.TarFile, Any]]:
    with open(archive, "rb") as file:
        start = file.read(6)
    opener: Any = next((known for magic, known in COMPRESSED if start.startswith(magic)), open)
    with (
        opener(archive, "rb") as raw,
        _Guarded(raw, archive, MAX_TAR_HEADER) as stream,
        tarfile.open(fileobj=stream, mode="r:") as tar,
    ):
        yield tar, stream


def _check_end(stream: IO[bytes], end: int, members: _Members) -> None:
    """``tarfile`` takes a broken header for the end: what came after it would be lost unsaid."""
    stream.seek(end)
    if stream.read(tarfile.BLOCKSIZE).strip(b"\0"):
        raise InputError(f"Cannot unpack {members.archive}: a member's header is broken")
    while block := stream.read(1 << 20):  # to the end, where gzip and xz have their checksums
        members.count(len(block), n=0)


def _unpack_zip(archive: Path, members: _Members) -> None:
    with open_zip(archive) as packed:
        for member in packed.infolist():
            members.count(member.file_size)
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                members.note("left out, neither file nor folder", member.filename)
                continue
            name = _name_in_zip(member)
            if not name:
                if member.filename != "./":  # the target itself
                    members.note("left out, without a name", member.orig_filename)
                continue
            if "\0" in member.orig_filename or name != os.path.normpath(member.filename):
                members.note("renamed", member.orig_filename)
            members.claim(name, member.is_dir())
            packed.extract(member, members.target)  # gives it the very name of _name_in_zip


def _name_in_zip(member: zipfile.ZipInfo) -> str:
    """Where ``zipfile`` extracts to: without drive letters, "..", "." and absolute roots."""
    name = os.path.splitdrive(member.filename)[1]
    return "/".join(part for part in name.split("/") if part not in ("", ".", ".."))
