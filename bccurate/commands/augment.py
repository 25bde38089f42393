"""``bccurate augment``: variants of the training images as new samples in a saved view."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bccurate.curation.reading import decode_rgb
from bccurate.errors import UsageError, nearest
from bccurate.files import atomic_write, dataset_home, sha256
from bccurate.hub import runs, views
from bccurate.hub.open import opened
from bccurate.hub.read import LABEL_FIELD, columns, require_samples
from bccurate.hub.samples import declare_variant_fields, make_variant_sample
from bccurate.hub.write import add_samples
from bccurate.progress import track
from bccurate.records import AugmentRecord
from bccurate.settings import dataset_in_use

KINDS = ("augmix", "randaugment")


@dataclass(frozen=True)
class _Variant:
    """One variant to be: where from, where to, and what decides its pixels."""

    source_id: str
    source: str
    label: str
    file: Path
    kind: str
    seed: int
    noise: float
    description: str


def augment(
    kind: str,
    dataset: str | None = None,
    noise: float = 0.2,
    copies: int = 1,
    seed: int = 51,
) -> AugmentRecord:
    """Write variants of the clean training samples; only those that are not there yet.

    A variant is a PNG beside the dataset and a sample with its source's label, the fields
    ``source_id`` and ``augmentation``, and the tags ``train``, ``variant`` and ``kind``.

    Args:
        kind: ``augmix`` (Hendrycks et al. 2020) or ``randaugment`` (Cubuk et al. 2020).
        dataset: name; the one in use where None.
        noise: sigma of Gaussian noise as a share of the full range; the paper's is 0.2.
        copies: variants of each image.
        seed: with the source's path and the copy's number it decides the pixels.

    Raises:
        UsageError: an unknown kind, or variants of this kind with other options are there.
        InputError: no training samples.
        NoSpaceError: the disk is full.
    """
    if kind not in KINDS:
        raise UsageError(f"Unknown augmentation {kind!r}.{nearest(kind, KINDS)}")
    if not 0 <= noise <= 1 or copies < 1:
        raise UsageError(f"noise is 0 to 1 and copies at least 1, not {noise} and {copies}")
    name = dataset_in_use(dataset)
    options = {"noise": noise, "seed": seed}
    folder = dataset_home(name) / "variants" / kind
    run = f"augment_{kind}"
    with opened(name) as hub:
        earlier = runs.stored_options(hub, run)
        if earlier not in (None, options):
            raise UsageError(
                f"{name!r} holds {kind} variants made with {earlier}.", f"bccurate undo {run}"
            )
        sources = views.clean(hub).match_tags("train").exists(f"{LABEL_FIELD}.label")
        require_samples(sources, f"training samples in {name!r}", f"bccurate split -d {name}")
        declare_variant_fields(hub)
        wanted = list(_plan(sources, folder, kind, noise, copies, seed))
        there = set(hub.match_tags(kind).values("filepath"))
        todo = [variant for variant in wanted if str(variant.file) not in there]
        if earlier is None:  # before the first file: what a killed call wrote can be undone
            begun = AugmentRecord(name, kind, 0, 0, str(folder), kind)
            runs.save(hub, run, begun, options)
        written = add_samples(hub, _samples(todo))
        views.save(hub, kind, hub.match_tags(kind))
        total = len(hub.match_tags(kind))
        record = AugmentRecord(
            name, kind, written, total - written, str(folder), kind, changed=written > 0
        )
        if written or earlier is None:
            runs.save(hub, run, record, options)
        return record


def _plan(
    sources: Any, folder: Path, kind: str, noise: float, copies: int, seed: int
) -> Iterator[_Variant]:
    rows = columns(sources, "id", "filepath", f"{LABEL_FIELD}.label")
    for sample, path, label in zip(*rows, strict=True):
        for copy in range(copies):
            own = f"{seed}:{kind}:{noise}:{copy}:{path}"
            yield _Variant(
                source_id=sample,
                source=path,
                label=label,
                file=folder / f"{Path(path).stem[:60]}_{sha256(own.encode())[:12]}.png",
                kind=kind,
                seed=int.from_bytes(hashlib.sha256(own.encode()).digest()[:7], "big"),
                noise=noise,
                description=f"{kind} noise={noise:g} seed={seed} copy={copy}",
            )


def _samples(todo: list[_Variant]) -> Iterator[Any]:
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        done = pool.map(_write, todo)
        for variant, _ in track(zip(todo, done, strict=True), len(todo), "writing variants"):
            yield make_variant_sample(
                str(variant.file),
                variant.label,
                variant.kind,
                variant.source_id,
                variant.description,
            )


def _write(variant: _Variant) -> None:
    import torch
    from PIL import Image

    from bccurate.augmentation.variants import make_variant

    pixels = torch.from_numpy(decode_rgb(variant.source).copy()).permute(2, 0, 1).contiguous()
    changed = make_variant(variant.kind, pixels, variant.seed, variant.noise)
    picture = Image.fromarray(np.ascontiguousarray(changed.permute(1, 2, 0).numpy()))
    with atomic_write(variant.file, durable=False) as file:
        picture.save(file, format="PNG", compress_level=1)
