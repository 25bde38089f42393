"""``bccurate sample``: a folder of rendered cells with planted problems."""

from __future__ import annotations

from pathlib import Path

from bccurate.records import SampleRecord
from bccurate.rendering.dataset import render_dataset
from bccurate.settings.data import SampleOptions


def sample(
    folder: str | Path,
    n: int = SampleOptions.n,
    seed: int = SampleOptions.seed,
    size: int = SampleOptions.size,
) -> SampleRecord:
    """Render ``n`` images of blood cells of 8 classes into ``folder``.

    Duplicates, label conflicts, outliers, mislabels and unreadable files are planted among them;
    ``truth.json`` in the folder tells which (see ``bccurate.rendering.dataset``).

    Args:
        folder: a new or empty folder.
        n: number of image files, at least 16.
        seed: the same seed gives the same bytes.
        size: side of the pictures in pixels, at least 16.

    Raises:
        UsageError: an argument is out of range, or the folder holds something else.
        NoSpaceError: the disk is full.
    """
    folder = Path(folder).expanduser().absolute()
    truth, planted, changed = render_dataset(folder, n, seed, size)
    return SampleRecord(
        dataset=None,
        folder=str(folder),
        truth=str(truth),
        n=n,
        planted=planted,
        changed=changed,
    )
