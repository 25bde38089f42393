"""``bccurate augment``: variants of the training images as new samples in a saved view."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np

from bccurate.errors import UsageError
from bccurate.files import atomic_write, dataset_home, sha256, sweep
from bccurate.hub import runs, views
from bccurate.hub.open import opened
from bccurate.hub.read import columns, label_field, label_path, labelled, require_samples
from bccurate.hub.samples import declare_variant_fields, make_variant_sample
from bccurate.hub.write import add_samples
from bccurate.progress import track
from bccurate.records import AugmentRecord
from bccurate.settings.data import AugmentOptions
from bccurate.settings.in_use import dataset_in_use
from bccurate.workflows.fidelity import measure_fidelity
from bccurate.workflows.thumbnails import pixels

BATCH = 256  # pictures augmented at once, and at most
BATCH_PIXELS = 1 << 24  # of all of them together: 50 MB


@dataclass(frozen=True)
class _Options:
    """What decides the pixels of all variants of a kind; the stored options of the run."""

    kind: str
    noise: float
    seed: int
    magnitude: float | None

    def strength(self) -> float:
        """Return the magnitude in force."""
        from bccurate.augmentation.variants import strength_of

        return strength_of(self.kind, self.magnitude)

    def stored(self) -> dict[str, Any]:
        """Return what the run stores."""
        own = {} if self.magnitude is None else {"magnitude": self.magnitude}
        return {"noise": self.noise, "seed": self.seed, **own}


@dataclass(frozen=True)
class _Variant:
    """One variant to be: where from, where to, and what decides its pixels.

    ``size``: height and width of its source as the import saw it, None where it did not.
    """

    source_id: str
    source: str
    label: str
    file: Path
    seed: int
    copy: int
    size: tuple[int, int] | None


def augment(
    kind: str,
    dataset: str | None = None,
    noise: float = AugmentOptions.noise,
    copies: int = AugmentOptions.copies,
    seed: int = AugmentOptions.seed,
    magnitude: float | None = None,
    fidelity: bool = AugmentOptions.fidelity,
) -> AugmentRecord:
    """Write variants of the clean training samples; only those that are not there yet.

    A variant is a PNG beside the dataset and a sample with its source's label, the fields
    ``source_id`` and ``augmentation`` (the operations that were drawn for it, with their values),
    and the tags ``train``, ``variant`` and ``kind``. Then a sample of all variants is measured
    against their sources; see ``workflows.fidelity``.

    Args:
        kind: ``augmix`` (Hendrycks et al. 2020) or ``randaugment`` (Cubuk et al. 2020).
        dataset: name; the one in use where None.
        noise: sigma of Gaussian noise as a share of the full range; the paper's is 0.2.
        copies: variants of each image.
        seed: with the source's path and the copy's number it decides the pixels.
        magnitude: of the operations: of ``randaugment`` 0 to 30, 9 where None; the severity of
            ``augmix`` 0.1 to 10, 3 where None.
        fidelity: measure the variants; else what was measured before stands, unless new ones came.

    Raises:
        UsageError: an unknown kind, or variants of this kind with other options are there.
        InputError: no training samples.
        NoSpaceError: the disk is full.
    """
    options = _checked(kind, noise, copies, seed, magnitude)
    name = dataset_in_use(dataset)
    folder = dataset_home(name) / "variants" / kind
    run = f"augment_{kind}"
    with opened(name, write=True) as hub:
        earlier = runs.stored_options(hub, run)
        if earlier not in (None, options.stored()):
            raise UsageError(
                f"{name!r} holds {kind} variants made with {earlier}.", f"bccurate undo {run}"
            )
        sources = labelled(views.clean(hub).match_tags("train"))
        require_samples(sources, f"training samples in {name!r}", f"bccurate split -d {name}")
        declare_variant_fields(hub)
        there = set(hub.match_tags(kind).values("filepath"))
        wanted = _plan(sources, folder, options, copies)
        todo = [variant for variant in wanted if str(variant.file) not in there]
        sweep(folder)
        if earlier is None:  # before the first file: what a killed call wrote can be undone
            begun = AugmentRecord(name, kind, 0, 0, str(folder), kind)
            runs.save(hub, run, begun, options.stored())
        written = add_samples(hub, _samples(label_field(hub), todo, options))
        views.save(hub, kind, hub.match_tags(kind))
        total = len(hub.match_tags(kind))
        stored = runs.load(hub, run) or {}
        known = stored.get("fidelity")
        measured = None if written else known
        if fidelity:
            measured = measure_fidelity(hub, kind, noise, options.strength(), known) or None
        record = AugmentRecord(
            name, kind, written, total - written, str(folder), kind, measured,
            changed=written > 0 or measured != known,
            warnings=_missing(todo, written),
        )  # fmt: skip
        if record.changed or total != stored["written"] + stored["already_there"]:
            runs.save(hub, run, record, options.stored())
        return record


def _checked(kind: str, noise: float, copies: int, seed: int, magnitude: float | None) -> _Options:
    AugmentOptions(kind=kind, noise=noise, copies=copies, seed=seed, magnitude=magnitude).check()
    options = _Options(kind, noise, seed, magnitude)
    if magnitude is None:
        return options
    from bccurate.augmentation.variants import strength_of

    usual = strength_of(kind, magnitude) == strength_of(kind)
    return replace(options, magnitude=None) if usual else options


def _plan(sources: Any, folder: Path, options: _Options, copies: int) -> Iterator[_Variant]:
    rows = columns(
        sources, "id", "filepath", label_path(sources), "metadata.height", "metadata.width"
    )
    # Variants of the usual magnitude keep the names and the pixels of the first release.
    strength = "" if options.magnitude is None else f":{options.magnitude:g}"
    for sample, path, label, height, width in zip(*rows, strict=True):
        for copy in range(copies):
            own = f"{options.seed}:{options.kind}{strength}:{options.noise}:{copy}:{path}"
            yield _Variant(
                source_id=sample,
                source=path,
                label=label,
                file=folder / f"{Path(path).stem[:60]}_{sha256(own.encode())[:12]}.png",
                seed=int.from_bytes(hashlib.sha256(own.encode()).digest()[:7], "big"),
                copy=copy,
                size=(height, width) if height and width else None,
            )


def _samples(field: str, todo: list[_Variant], options: _Options) -> Iterator[Any]:
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        done = (pair for part in _batches(todo) for pair in _write(pool, part, options))
        for variant, words in track(done, len(todo), "writing variants"):
            if words is not None:
                yield make_variant_sample(
                    str(variant.file), field, variant.label, options.kind, variant.source_id, words
                )


def _batches(todo: list[_Variant]) -> Iterator[list[_Variant]]:
    """Neighbours of one size, as many as a batch may hold."""
    for size, same in groupby(todo, key=lambda variant: variant.size):
        area = size[0] * size[1] if size else BATCH_PIXELS
        most = min(BATCH, max(1, BATCH_PIXELS // area))
        while part := list(islice(same, most)):
            yield part


def _write(
    pool: ThreadPoolExecutor, part: list[_Variant], options: _Options
) -> Iterator[tuple[_Variant, str | None]]:
    """Write the files of a batch; each variant with its words, None where its source is gone."""
    from bccurate.augmentation.variants import describe, make_variants, strength_of

    found = list(pool.map(lambda variant: pixels(variant.source), part))
    good = [(variant, rgb) for variant, rgb in zip(part, found, strict=True) if rgb is not None]
    made = make_variants(
        options.kind, [rgb for _, rgb in good], [variant.seed for variant, _ in good],
        options.noise, options.magnitude,
    )  # fmt: skip
    list(pool.map(_save, [variant.file for variant, _ in good], made))
    strength = strength_of(options.kind, options.magnitude)
    words = {
        variant.file: f"{options.kind} magnitude={strength:g} noise={options.noise:g} "
        f"seed={options.seed} copy={variant.copy}: "
        + describe(options.kind, [variant.seed], rgb.shape[:2], options.magnitude)[0]
        for variant, rgb in good
    }
    return ((variant, words.get(variant.file)) for variant in part)


def _save(file: Path, picture: np.ndarray) -> None:
    from PIL import Image

    with atomic_write(file, durable=False) as target:
        Image.fromarray(picture).save(target, format="PNG", compress_level=1)


def _missing(todo: list[_Variant], written: int) -> list[str]:
    gone = len(todo) - written
    some = "1 source does" if gone == 1 else f"{gone:,} sources do"
    return [f"{some} not decode any more and got no variant"] if gone else []
