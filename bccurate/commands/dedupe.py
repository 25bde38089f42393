"""``bccurate dedupe``: exact and near duplicates of a dataset, or of a folder or CSV of images."""

from __future__ import annotations

from pathlib import Path

from bccurate.errors import UsageError
from bccurate.images.worker_process import start_ahead
from bccurate.records import DedupeRecord
from bccurate.settings.curation import DedupeOptions
from bccurate.settings.in_use import dataset_in_use

Labels = dict[str, str | None]  # by path


def dedupe(
    dataset: str | None = None,
    method: str = DedupeOptions.method,
    threshold: int = DedupeOptions.threshold,
    keep: str = DedupeOptions.keep,
    rotations: bool = DedupeOptions.rotations,
    engine: str = DedupeOptions.engine,
    ray_address: str = DedupeOptions.ray_address,
    view: str | None = None,
    path: str | Path | None = None,
    csv: str | Path | None = None,
) -> DedupeRecord:
    """Find exact and near duplicates: tag all but one of each group, or list those of a folder.

    Exact duplicates have equal decoded pixels. Near duplicates have hashes within ``threshold``
    bits or similar thumbnails, and correlate by 0.98 or more once shift, scale and rotation are
    undone. Groups with three labels or more, and images repeated at least 10 times as often as the
    class median, are contamination. Nothing is removed.

    In a dataset duplicates are tagged ``duplicate``, contamination ``contamination`` (the image
    that is kept, too), and duplicates in more than one split ``leak``. With ``path`` there is no
    dataset and no database: nothing is written but ``csv``.

    Args:
        dataset: name; the one in use where None.
        method: ``phash``, ``dhash``, ``ahash`` or ``whash``.
        threshold: 0 to 14 differing bits of 64.
        keep: which member of a group stays untagged: ``first`` by path, ``largest``,
            ``sharpest``.
        rotations: match rotations by 90 degrees and flips too.
        engine: ``local``, or ``ray`` to read and match on a running Ray cluster; same result.
        ray_address: ``HOST:PORT`` of it; ``auto`` is RAY_ADDRESS, else the one on this machine.
        view: search a saved view alone; the samples outside it then are in no group.
        path: search a folder of images, or a CSV of their paths, in place of a dataset.
        csv: write the groups to this file too, a row for each image.

    Raises:
        UsageError: an unknown option value, view or dataset, ``path`` together with ``dataset`` or
            ``view``, or no Ray or no cluster of it.
        InputError: no readable image.
    """
    options = DedupeOptions(
        path=None if path is None else str(path),
        dataset=dataset,
        method=method,
        threshold=threshold,
        keep=keep,
        rotations=rotations,
        view=view,
        engine=engine,
        ray_address=ray_address,
    )
    options.check()
    if options.path is None:
        record, labels = _dedupe_dataset(dataset_in_use(dataset), options)
    else:
        record, labels = _dedupe_files(options)
    if csv is not None:
        from bccurate.workflows.duplicates_csv import write_csv

        write_csv(Path(csv), record.groups, labels)
    return record


# Each loads its own libraries, late: a folder has no use for the hub's, which take 0.3 s.


def _dedupe_dataset(name: str, options: DedupeOptions) -> tuple[DedupeRecord, Labels]:
    from bccurate.duplicates.select_engine import connected
    from bccurate.workflows.duplicate_tags import dedupe_dataset

    with connected(options.engine, options.ray_address) as engine:
        return dedupe_dataset(name, options, engine)


def _dedupe_files(options: DedupeOptions) -> tuple[DedupeRecord, Labels]:
    if options.dataset or options.view:
        flag = "--view" if options.view else "--dataset"
        raise UsageError(
            f"{options.path} is searched without a dataset: leave out {flag}",
            f"bccurate dedupe {options.path}",
        )
    if options.engine == "local":
        start_ahead()  # the workers load their libraries while this process does
    from bccurate.duplicates.select_engine import connected
    from bccurate.workflows.duplicate_files import dedupe_files

    with connected(options.engine, options.ray_address) as engine:
        return dedupe_files(options, engine)
