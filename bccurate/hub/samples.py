"""Facts of image files to FiftyOne samples and columns."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bccurate.errors import InputError, UnreadableImage
from bccurate.hub.manifest import Row
from bccurate.hub.read import columns, has_field, label_field
from bccurate.hub.views import VARIANT
from bccurate.hub.write import set_column, set_fields
from bccurate.images.hashing import METHODS
from bccurate.images.image_stats import ImageStats, Unreadable
from bccurate.images.workers import hash_many, read_many
from bccurate.progress import track

if TYPE_CHECKING:
    import fiftyone as fo

TEXTS = ("filehash", "pixelhash", *METHODS, "thumb")
NUMBERS = ("intensity_mean", "intensity_std", "sharpness")
FACTS = TEXTS + NUMBERS


Reader = Callable[[Sequence[str]], Iterator[ImageStats | Unreadable]]


def declare_fields(dataset: fo.Dataset) -> None:
    """Make the fields of an import, so that views and filters work on an all-unreadable set."""
    import fiftyone as fo

    _declare_facts(dataset)
    if dataset.get_field(label_field(dataset)) is None:
        dataset.add_sample_field(
            label_field(dataset), fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification
        )


def _declare_facts(dataset: fo.Dataset) -> None:
    import fiftyone as fo

    fields: dict[str, Any] = dict.fromkeys(TEXTS, fo.StringField)
    fields |= dict.fromkeys(NUMBERS, fo.FloatField)
    for name, kind in fields.items():
        if dataset.get_field(name) is None:
            dataset.add_sample_field(name, kind)


def make_sample(
    row: Row, facts: ImageStats | Unreadable, field: str, tags: Sequence[str] = ()
) -> fo.Sample:
    """A sample with its label in ``field``, facts and tags; one that does not decode is tagged."""
    import fiftyone as fo

    own = [*tags, *row.tags, *([row.split] if row.split else [])]
    values: dict[str, Any] = {"tags": list(dict.fromkeys(own))}
    if row.label is not None:
        values[field] = fo.Classification(label=row.label)
    if isinstance(facts, Unreadable):
        values["tags"].append("unreadable")
    else:
        values |= {name: getattr(facts, name) for name in FACTS}
        values["metadata"] = fo.ImageMetadata(**_metadata(facts))
    return fo.Sample(filepath=row.filepath, **values)


def declare_variant_fields(dataset: fo.Dataset) -> None:
    """Make the fields that tell where a variant comes from."""
    import fiftyone as fo

    dataset.add_sample_field("source_id", fo.StringField)
    dataset.add_sample_field("augmentation", fo.StringField)


def make_variant_sample(
    filepath: str, field: str, label: str, kind: str, source_id: str, augmentation: str
) -> fo.Sample:
    """A variant of a training sample: for training only, and it knows its source."""
    import fiftyone as fo

    return fo.Sample(
        filepath=filepath,
        tags=["train", VARIANT, kind],
        source_id=source_id,
        augmentation=augmentation,
        **{field: fo.Classification(label=label)},
    )


def _metadata(facts: ImageStats) -> dict[str, Any]:
    """FiftyOne's own ``ImageMetadata``: its App then knows sizes without opening files."""
    return {
        "size_bytes": facts.size_bytes,
        "mime_type": f"image/{facts.format.lower()}",
        "width": facts.width,
        "height": facts.height,
        "num_channels": 3,
    }


def ensure_image_stats(view: Any, read: Reader = read_many) -> tuple[int, list[Unreadable]]:
    """Decode what has no facts yet (or changed its size) and store them; the rest is cached.

    Args:
        view: samples.
        read: what turns paths into facts, in the order given.

    Returns:
        how many files were decoded, and those that did not decode (tagged ``unreadable``).
    """
    light = [name for name in FACTS if name not in ("thumb", "whash")]  # large; may be None
    stored = columns(view, "id", "filepath", "metadata.size_bytes", *light)
    bare = set(view.exists("thumb", bool=False).values("id")) if has_field(view, "thumb") else None
    todo: dict[str, list[str]] = {}
    for sample, path, size, *facts in zip(*stored, strict=True):
        if bare is None or sample in bare or None in facts or size != _size(path):
            todo.setdefault(path, []).append(sample)
    if not todo:
        return 0, []
    if len(todo) == len(stored[0]) and not any(map(os.path.exists, todo)):
        gone = next(iter(todo))  # a disk that is not mounted must not mark all as unreadable
        raise InputError(f"None of the {len(todo):,} files is there: {gone}", f"ls {gone}")
    bad = _read_and_store(view, todo, read)
    if bad:
        gone_bad = [sample for facts in bad for sample in todo[facts.filepath]]
        view._dataset.select(gone_bad).tag_samples("unreadable")
    return len(todo), bad


def ensure_hash(view: Any, method: str) -> int:
    """Hash what the kernels left to imagehash (by ``whash``); returns how many were decoded."""
    todo = view.exists(method, bool=False)
    ids, paths = columns(todo, "id", "filepath")
    hashes = list(track(hash_many(paths, method), len(paths), method))
    for one in hashes:
        if isinstance(one, Unreadable):
            raise UnreadableImage(f"{one.filepath}: {one.reason}")
    set_column(view, method, ids, hashes)
    return len(ids)


def mend_unreadable(
    dataset: fo.Dataset, paths: Collection[str]
) -> tuple[list[str], list[Unreadable]]:
    """Read those of ``paths`` again that did not decode once: which do now, and which do not."""
    view = dataset.match_tags("unreadable")
    todo: dict[str, list[str]] = {}
    for sample, path in zip(*columns(view, "id", "filepath"), strict=True):
        if path in paths:
            todo.setdefault(path, []).append(sample)
    if not todo:
        return [], []
    bad = _read_and_store(dataset, todo)
    still = {facts.filepath for facts in bad}
    mended = [path for path in todo if path not in still]
    if mended:
        ids = [sample for path in mended for sample in todo[path]]
        dataset.select(ids).untag_samples("unreadable")
    return mended, bad


def _read_and_store(
    view: Any, ids_of: dict[str, list[str]], read: Reader = read_many
) -> list[Unreadable]:
    """Decode files, store their facts with their samples, and return those that do not decode."""
    _declare_facts(view._dataset)
    bad: list[Unreadable] = []

    def rows() -> Iterator[tuple[str, dict[str, Any]]]:
        for facts in track(read(list(ids_of)), len(ids_of), "reading images"):
            if isinstance(facts, Unreadable):
                bad.append(facts)
                continue
            fields = {name: getattr(facts, name) for name in FACTS}
            fields["metadata"] = {"_cls": "ImageMetadata", **_metadata(facts)}
            yield from ((sample, fields) for sample in ids_of[facts.filepath])

    set_fields(view._dataset, rows())
    return bad


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except (OSError, ValueError):
        return None
