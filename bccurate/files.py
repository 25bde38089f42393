"""Files: atomic writes, checksums, and where our own files live."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bccurate.errors import BccurateError, InputError, NoSpaceError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
TOO_MANY_OPEN = (errno.EMFILE, errno.ENFILE)
REFUSED = (errno.EACCES, errno.EROFS, errno.EPERM, errno.EEXIST, errno.ENOTDIR, errno.EISDIR,
           errno.ENAMETOOLONG)  # fmt: skip
TEMPORARY = re.compile(r"\..+\.[0-9a-f]{12}\.tmp")  # as ``temporary`` names them


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
        work = temporary(path)
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


def temporary(path: Path) -> Path:
    """A name beside ``path`` that nobody has, for what is to take its place."""
    return path.with_name(f".{path.name[:32]}.{secrets.token_hex(6)}.tmp")


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
    return _digest_of_file(path, hashlib.sha256())


def md5_of_file(path: Path) -> str:
    """The MD5 of a file's content, where a publisher gives no better checksum."""
    return _digest_of_file(path, hashlib.md5(usedforsecurity=False))


def _digest_of_file(path: Path, digest: hashlib._Hash) -> str:
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A folder to write to, that becomes ``path`` only when all went well.

    ``path`` is not there, or an empty folder. What the disk says comes as OSError.
    """
    work = temporary(path)
    work.mkdir(parents=True)
    try:
        yield work
        os.replace(work, path)
    finally:
        shutil.rmtree(work, ignore_errors=True)
