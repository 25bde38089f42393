"""Data sets that are imported by name: BloodMNIST, from its authors' address and by their MD5.

Addresses and checksums are those of the package ``medmnist`` 3.0.2 (Yang et al. 2023, Scientific
Data 10:41; CC BY 4.0). The images are those of the PBC set (Acevedo et al. 2020), cropped and
scaled.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bccurate.errors import InputError, UsageError
from bccurate.files import home, md5_of_file
from bccurate.network import fetch

BLOODMNIST = "bloodmnist"
_ADDRESS = "https://zenodo.org/records/10519652/files/{file}?download=1"


@dataclass(frozen=True)
class Published:
    """A file of a published data set."""

    file: str
    md5: str

    @property
    def address(self) -> str:
        """Where its authors offer it."""
        return _ADDRESS.format(file=self.file)


SIZES = {
    28: Published("bloodmnist.npz", "7053d0359d879ad8a5505303e11de1dc"),
    64: Published("bloodmnist_64.npz", "2b94928a2ae4916078ca51e05b6b800b"),
    128: Published("bloodmnist_128.npz", "adace1e0ed228fccda1f39692059dd4c"),
    224: Published("bloodmnist_224.npz", "b718ff6835fcbdb22ba9eacccd7b2601"),
}


def is_published(path: Path) -> bool:
    """Whether ``path`` names a published set, and no file or folder of that name is there."""
    return str(path) == BLOODMNIST and not path.exists()


def published_file(size: int) -> Path:
    """The npz of BloodMNIST with images of ``size`` pixels, fetched where it is not here yet.

    It is looked for in our downloads and where the package ``medmnist`` keeps its files.

    Raises:
        UsageError: there is no such size.
        InputError: it is not here and the network does not offer it, or it is another file.
    """
    if size not in SIZES:
        known = ", ".join(map(str, SIZES))
        raise UsageError(f"BloodMNIST has no images of {size} pixels", f"--size, one of {known}")
    wanted = SIZES[size]
    own = home() / "downloads" / wanted.file
    for path in (own, Path.home() / ".medmnist" / wanted.file):
        if path.is_file():
            if md5_of_file(path) != wanted.md5:
                raise InputError(
                    f"{path} is not the file that MedMNIST published (MD5 {wanted.md5})",
                    f"rm {path}  (or import it as it is: bccurate import {path} --name NAME)",
                )
            return path
    fetch(wanted.address, own, wanted.md5)
    return own
