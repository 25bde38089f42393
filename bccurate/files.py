"""Files: atomic writes, checksums, safe unpacking, and where our own files live."""

from __future__ import annotations

import errno
import hashlib
import lzma
import os
import re
import secrets
import shutil
import stat
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bccurate.errors import BccurateError, InputError, NoSpaceError

MAX_MEMBERS = 1_000_000
MAX_UNPACKED_BYTES = 64 << 30
MAX_RATIO = 200  # unpacked bytes a packed byte; images do not compress, bombs do
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
TOO_MANY_OPEN = (errno.EMFILE, errno.ENFILE)
REFUSED = (errno.EACCES, errno.EROFS, errno.EPERM, errno.EEXIST, errno.ENOTDIR, errno.EISDIR,
           errno.ENAMETOOLONG)  # fmt: skip
# No number at all: gzip and bz2 raise a bare OSError for bytes that are not theirs.
OF_A_MEMBER = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL)
ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")  # is_zipfile takes a tar that ends in an npz for one
TEMPORARY = re.compile(r"\..+\.[0-9a-f]{12}\.tmp")  # as atomic_write and unpack name them
BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
          EOFError, ValueError, RuntimeError)  # fmt: skip


def home() -> Path:
    """The folder of our own files: ``$BCCURATE_HOME``, else ``~/.bccurate``."""
    return Path(os.environ.get("BCCURATE_HOME") or Path.home() / ".bccurate").expanduser()


def dataset_home(dataset: str) -> Path:
    """The folder for one dataset's unpacked images, variants and weights."""
    return home() / "datasets" / safe_name(dataset)


def safe_name(name: str) -> str:
    """``name`` as one folder name: what a path could misread is replaced, names stay distinct."""
    safe = re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)[:80].lstrip(".")
    return safe if safe and safe == name else f"{safe}-{sha256(name.encode())[:8]}"


def fault_of_machine(error: OSError, path: object) -> BccurateError | None:
    """The error of ours where the machine has run out of disk or of file handles, else None."""
    if error.errno in FULL:
        return NoSpaceError(
            f"No space left while writing {path}", "free some space, then run this again"
        )
    if error.errno in TOO_MANY_OPEN:
        return InputError(f"Too many open files at {path}", "ulimit -n 4096, then run this again")
    return None


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk or a refused write at ``path`` into an error of ours."""
    try:
        yield
    except OSError as error:
        if ours := fault_of_machine(error, path):
            raise ours from error
        if error.errno in REFUSED:
            raise InputError(
                f"Cannot write {path}: {error.strerror}", f"ls -ld {path.parent}"
            ) from error
        raise


@contextmanager
def atomic_write(path: Path, mode: str = "wb", durable: bool = True) -> Iterator[IO]:
    """Open a temporary file that takes the place of ``path`` only when all went well.

    After a crash or an error at any point ``path`` is what it was before.

    Args:
        path: the file; its folders are made.
        mode: ``"wb"`` or ``"w"`` (UTF-8).
        durable: wait until the disk holds it; not for what can be made again.

    Raises:
        NoSpaceError: the disk is full.
        InputError: the folder cannot be written.
    """
    path = Path(path)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not mkstemp: its files are for the owner's eyes only, and the umask should decide.
        work = path.with_name(f".{path.name[:32]}.{secrets.token_hex(6)}.tmp")
        try:
            encoding = None if "b" in mode else "utf-8"
            with open(work, mode.replace("w", "x"), encoding=encoding) as file:
                yield file
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            os.replace(work, path)
        except BaseException:
            work.unlink(missing_ok=True)
            raise


def sweep(folder: Path, idle: float = 0) -> None:
    """Remove what killed calls left half-written in ``folder``.

    For who alone writes there; else only what nobody has touched for ``idle`` seconds.
    """
    with disk_errors(folder):
        for left in folder.glob(".*.tmp"):
            if TEMPORARY.fullmatch(left.name) and left.lstat().st_mtime <= time.time() - idle:
                shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)


def sha256(data: bytes) -> str:
    """The SHA-256 of ``data`` as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of a file's content, read in blocks."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def unpack(archive: Path, target: Path) -> Path:
    """Unpack a .tar (also .gz, .bz2, .xz) or .zip into ``target``, whole or not at all.

    Only plain files and folders come out, never a link or a device, and nothing outside
    ``target``. A ``target`` that exists is taken as the finished work of an earlier call.

    Raises:
        InputError: the archive is broken, hostile, or larger than the caps.
        NoSpaceError: the disk is full.
    """
    if target.exists():
        return target
    with disk_errors(target):
        work = target.with_name(f".{target.name[:32]}.{secrets.token_hex(6)}.tmp")
        work.mkdir(parents=True)
        try:
            with open(archive, "rb") as file:
                is_zip = file.read(4) in ZIP_STARTS
            (_unpack_zip if is_zip else _unpack_tar)(archive, work)
            os.replace(work, target)
        except BROKEN as error:
            raise InputError(f"Cannot unpack {archive}: {error}") from error
        except OSError as error:
            if error.errno not in (None, *OF_A_MEMBER):
                raise
            raise InputError(f"Cannot unpack {archive}: {error.strerror or error}") from error
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return target


def _unpack_tar(archive: Path, target: Path) -> None:
    size = count = 0
    limit = _size_limit(archive)
    with tarfile.open(archive) as tar:
        for count, member in enumerate(tar):
            size += _whole(archive, member.size)
            _check_caps(archive, count, size, limit)
            if member.isfile() or member.isdir():
                tar.extract(member, target, filter="data")
        _check_end(archive, tar, count, limit)


def _check_end(archive: Path, tar: tarfile.TarFile, count: int, limit: int) -> None:
    """``tarfile`` takes a broken header for the end: what came after it would be lost unsaid."""
    stream = tar.fileobj
    assert stream is not None
    stream.seek(tar.offset)
    if stream.read(tarfile.BLOCKSIZE).strip(b"\0"):
        raise InputError(f"Cannot unpack {archive}: a member's header is broken")
    size = 0
    while block := stream.read(1 << 20):  # to the end, where gzip and xz have their checksums
        size += len(block)
        _check_caps(archive, count, size, limit)


def _unpack_zip(archive: Path, target: Path) -> None:
    size = 0
    limit = _size_limit(archive)
    with zipfile.ZipFile(archive) as packed:
        for count, member in enumerate(packed.infolist()):
            size += member.file_size
            _check_caps(archive, count, size, limit)
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind in (0, stat.S_IFREG, stat.S_IFDIR):
                packed.extract(member, target)  # drops drive letters, ".." and absolute roots


def _whole(archive: Path, size: int) -> int:
    if size < 0:  # a tar header can say so; it would count against the caps
        raise InputError(f"Cannot unpack {archive}: a member of {size} bytes")
    return size


def _size_limit(archive: Path) -> int:
    return min(MAX_UNPACKED_BYTES, max(64 << 20, archive.stat().st_size * MAX_RATIO))


def _check_caps(archive: Path, count: int, size: int, limit: int) -> None:
    if count >= MAX_MEMBERS:
        raise InputError(f"{archive} holds more than {MAX_MEMBERS:,} files")
    if size > limit:
        raise InputError(f"{archive} unpacks to more than {limit >> 20:,} MiB")
