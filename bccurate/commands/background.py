"""``bccurate background``: masks of the cells, and training pictures without their background."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bccurate.curation.cell_mask import (
    background_colour,
    cell_mask,
    without_background,
)
from bccurate.errors import UsageError
from bccurate.files import atomic_write, dataset_home, sha256, sweep
from bccurate.hub import runs, views
from bccurate.hub.masks import (
    AREA_FIELD,
    MASK_FIELD,
    read_masks,
    with_cell_and_background,
    write_masks,
)
from bccurate.hub.open import opened
from bccurate.hub.read import columns, has_field, label_field, label_path, labelled, require_samples
from bccurate.hub.samples import declare_variant_fields, make_variant_sample
from bccurate.hub.write import add_samples, set_column
from bccurate.progress import track
from bccurate.records import BackgroundRecord
from bccurate.settings.curation import BackgroundOptions
from bccurate.settings.in_use import dataset_in_use
from bccurate.workflows.thumbnails import pixels

RUN = "background"
VIEW = "background_removed"
BATCH = 200  # masks held at a time
LOOKED_AT = 500  # training pictures that the colour of the background is taken from


def background(
    dataset: str | None = None, method: str = BackgroundOptions.method, view: str | None = None
) -> BackgroundRecord:
    """Write the mask of the cell in the middle, and training variants without the background.

    Every readable original gets the fields ``cell_mask`` and ``cell_area``, its share of the
    picture. Every clean training sample with a mask gets a variant in the view
    ``background_removed``: a PNG and a sample as ``augment`` makes them, on which all but the cell
    has one and the same colour, the median background of the training pictures. Only what is not
    there yet is made.

    Args:
        dataset: name; the one in use where None.
        method: ``stain``, or ``threshold``, which is the paper's.
        view: a saved view, whose samples alone get masks now.

    Raises:
        UsageError: an unknown method or view, or masks of another method or maker are there.
        InputError: there are no readable samples.
        NoSpaceError: the disk is full.
    """
    BackgroundOptions(method=method).check()
    name = dataset_in_use(dataset)
    with opened(name, write=True) as hub:
        _check_maker(hub, method)
        samples = views.looked_at(hub, view)
        require_samples(samples, f"readable samples in {name!r}", f"bccurate info -d {name}")
        if not runs.has(hub, RUN):  # before the first write: what a killed call left can be undone
            runs.save(hub, RUN, _record(hub, samples, method, None, 0), {"method": method})
        masked = _write_masks(hub, samples, method)
        colour = (runs.load(hub, RUN) or {}).get("colour")
        if colour is None and (colour := _colour(hub)):
            # Before the first file: whatever is made later has the same colour.
            runs.save(hub, RUN, _record(hub, samples, method, colour, 0), {"method": method})
        written = _write_variants(hub, method, colour) if colour else 0
        views.save(hub, VIEW, hub.match_tags(VIEW))
        changed = bool(masked or written)
        record = _record(hub, samples, method, colour, written, changed)
        if record.changed:
            runs.save(hub, RUN, record, {"method": method})
        return record


def _check_maker(hub: Any, method: str) -> None:
    earlier = runs.stored_options(hub, RUN)
    if earlier not in (None, {"method": method}):
        raise UsageError(
            f"{hub.name!r} holds masks made with --method {earlier['method']}.",
            f"bccurate undo {RUN}",
        )
    if earlier is None and has_field(hub, MASK_FIELD):
        raise UsageError(
            f"{hub.name!r} has a field {MASK_FIELD!r} that is not of our making.",
            "rename that field, then type this again",
        )


def _write_masks(hub: Any, samples: Any, method: str) -> int:
    rows = zip(*columns(samples, "id", "filepath", AREA_FIELD), strict=True)
    todo = [(sample, path) for sample, path, area in rows if area is None]
    written = 0
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        starts = range(0, len(todo), BATCH)
        for start in track(starts, len(starts), "cell masks"):
            part = todo[start : start + BATCH]
            masks = pool.map(partial(_mask, method), [path for _, path in part])
            found = {i: mask for (i, _), mask in zip(part, masks, strict=True) if mask is not None}
            ids = list(found)
            write_masks(hub, ids, list(found.values()))
            areas = [float(mask.mean()) for mask in found.values()]
            set_column(hub.select(ids), AREA_FIELD, ids, areas)  # last: who has it has a mask
            written += len(ids)
    return written


def _mask(method: str, path: str) -> np.ndarray | None:
    rgb = pixels(path)
    return None if rgb is None else cell_mask(rgb, method)


def _trained_on(hub: Any) -> Any:
    """The clean training samples on which something was found, and not the whole picture."""
    part = labelled(views.clean(hub).match_tags("train"))
    return with_cell_and_background(part)


def _colour(hub: Any) -> list[int] | None:
    """The median background, RGB, over training pictures spread evenly; None without any."""
    part = _trained_on(hub)
    rows = sorted(zip(*columns(part, "filepath", "id"), strict=True))
    rows = rows[:: max(1, -(-len(rows) // LOOKED_AT))]
    masks = read_masks(hub.select([sample for _, sample in rows]))
    seen = [
        background_colour(rgb, masks[sample])
        for path, sample in rows
        if (rgb := pixels(path)) is not None
    ]
    return np.rint(np.median(seen, axis=0)).astype(int).tolist() if seen else None


@dataclass(frozen=True)
class _Variant:
    """One picture without its background: where from and where to."""

    source_id: str
    source: str
    label: str
    file: Path


def _write_variants(hub: Any, method: str, colour: Sequence[int]) -> int:
    declare_variant_fields(hub)
    folder = _folder(hub.name)
    sweep(folder)
    there = set(hub.match_tags(VIEW).values("filepath"))
    rows = columns(_trained_on(hub), "id", "filepath", label_path(hub))
    todo = [
        variant
        for sample, path, label in zip(*rows, strict=True)
        if str((variant := _Variant(sample, path, label, _file(folder, path))).file) not in there
    ]
    return add_samples(hub, _samples(hub, todo, method, colour))


def _folder(name: str) -> Path:
    return dataset_home(name) / "variants" / VIEW


def _file(folder: Path, source: str) -> Path:
    return folder / f"{Path(source).stem[:60]}_{sha256(source.encode())[:12]}.png"


def _samples(hub: Any, todo: list[_Variant], method: str, colour: Sequence[int]) -> Iterator[Any]:
    field = label_field(hub)
    description = f"{VIEW} method={method} colour={','.join(map(str, colour))}"
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        done = (
            pair
            for start in range(0, len(todo), BATCH)
            for pair in _write(pool, hub, todo[start : start + BATCH], colour)
        )
        for variant, there in track(done, len(todo), "writing variants"):
            if there:
                yield make_variant_sample(
                    str(variant.file), field, variant.label, VIEW, variant.source_id, description
                )


def _write(
    pool: ThreadPoolExecutor, hub: Any, part: list[_Variant], colour: Sequence[int]
) -> Iterator[tuple[_Variant, bool]]:
    masks = read_masks(hub.select([variant.source_id for variant in part]))
    done = pool.map(lambda v: _write_one(v, masks[v.source_id], colour), part)
    return zip(part, done, strict=True)


def _write_one(variant: _Variant, mask: np.ndarray, colour: Sequence[int]) -> bool:
    from PIL import Image

    rgb = pixels(variant.source)
    if rgb is None:
        return False
    picture = Image.fromarray(without_background(rgb, mask, np.array(colour)))
    with atomic_write(variant.file, durable=False) as file:
        picture.save(file, format="PNG", compress_level=1)
    return True


def _record(
    hub: Any,
    samples: Any,
    method: str,
    colour: list[int] | None,
    written: int,
    changed: bool = True,
) -> BackgroundRecord:
    """What is there now; ``samples`` are those that were looked at."""
    paths, labels, areas = columns(views.originals(hub), "filepath", label_path(hub), AREA_FIELD)
    by_label: dict[str, list[float]] = defaultdict(list)
    for label, area in zip(labels, areas, strict=True):
        if area is not None:
            by_label[label or "-"].append(area)
    per_class = {
        label: {"n": len(found), "area": float(np.median(found)), "empty": found.count(0.0)}
        for label, found in sorted(by_label.items())
    }
    total = len(hub.match_tags(VIEW))
    asked = zip(*columns(samples, "filepath", AREA_FIELD), strict=True)
    missing = [path for path, area in asked if area is None]
    return BackgroundRecord(
        hub.name, method, MASK_FIELD, sum(map(len, by_label.values())), per_class,
        [path for path, area in zip(paths, areas, strict=True) if area == 0],
        colour, written, total - written, str(_folder(hub.name)), VIEW,
        changed=changed,
        warnings=[f"{len(missing)} files do not decode any more, first {missing[0]}"]
        if missing and per_class else [],
    )  # fmt: skip
