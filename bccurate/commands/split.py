"""``bccurate split``: train, val and test, stratified, duplicate groups never parted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bccurate.curation.splits import assign_splits
from bccurate.errors import UsageError
from bccurate.hub import runs, views
from bccurate.hub.open import opened
from bccurate.hub.read import LABEL_FIELD, columns, require_field, require_samples
from bccurate.hub.views import SPLITS, VARIANT
from bccurate.hub.write import set_tag
from bccurate.records import SplitRecord
from bccurate.settings import dataset_in_use


def split(
    dataset: str | None = None,
    val: float = 0.15,
    test: float = 0.15,
    group: str | None = None,
    seed: int = 51,
    redo: bool = False,
) -> SplitRecord:
    """Tag every labelled sample ``train``, ``val`` or ``test`` and save a view for each.

    Samples that have a split keep it, from an earlier call or from the import, so that a test set
    stays one; only the others are placed. Equal pixels stay together even without ``dedupe``.

    Args:
        dataset: name; the one in use where None.
        val, test: shares, at least 0, together below 1.
        group: a field (patient, slide) whose equal values are never parted either.
        seed: of the shuffle.
        redo: draw all anew; what was trained before has then seen some of the new test set.

    Raises:
        UsageError: impossible shares, an unknown dataset or field.
        InputError: no labelled sample.
    """
    if not (val >= 0 and test >= 0 and val + test < 1):  # so that nan is refused too
        raise UsageError(f"val and test are shares that leave some for train, not {val} and {test}")
    if seed < 0:
        raise UsageError(f"seed is 0 or above, not {seed}")
    name = dataset_in_use(dataset)
    options = {"val": val, "test": test, "group": group, "seed": seed}
    with opened(name) as hub:
        view = views.originals(hub).exists(f"{LABEL_FIELD}.label")
        require_samples(view, f"labelled samples in {name!r}", f"bccurate info -d {name}")
        if group:
            require_field(hub, group, f"bccurate info -d {name}")
        ids, paths, labels, tags, *joined = columns(
            view, "id", "filepath", f"{LABEL_FIELD}.label", "tags", "pixelhash", "linked_group",
            *([group] if group else []),
        )  # fmt: skip
        groups = join_groups(paths, *joined)
        fractions = {"train": round(1 - val - test, 6), "val": val, "test": test}
        chosen = assign_splits(
            labels,
            groups,
            paths,
            fractions,
            seed,
            fixed=None if redo else [_current(own) for own in tags],
        )
        changed = _write(hub, view, ids, chosen) | _follow_sources(hub)
        whole = sum(n > 1 for n in Counter(groups).values())
        record = _record(name, fractions, seed, labels, chosen, whole)
        record.warnings.extend(_dedupe_warnings(hub, len(views.originals(hub))))
        if not changed and runs.stored_options(hub, "split") not in (None, options):
            record.warnings.append("all samples keep the split they have; --redo draws anew")
        changed |= runs.save(hub, "split", record, options)
        return replace(record, changed=changed)


def _dedupe_warnings(hub: Any, n: int) -> list[str]:
    record = runs.load(hub, "dedupe")
    if record is None:
        return ["near duplicates were not looked for; run bccurate dedupe first"]
    if record["counts"]["samples"] != n:
        return ["samples came or went since dedupe; run bccurate dedupe again, then this"]
    return []


def join_groups(paths: list[str], *columns: Sequence[Any]) -> list[str]:
    """One group name a sample: those with an equal value in any of the columns are joined."""
    parent = {path: path for path in paths}

    def root(path: str) -> str:
        while parent[path] != path:
            parent[path] = path = parent[parent[path]]
        return path

    for column in columns:
        first: dict[Any, str] = {}
        for path, value in zip(paths, column, strict=True):
            if value is not None:
                parent[root(path)] = root(first.setdefault(value, path))
    return [root(path) for path in paths]


def _current(tags: list[str]) -> str | None:
    found = [split for split in SPLITS if split in tags]
    return found[0] if len(found) == 1 else None


def _write(hub: Any, view: Any, ids: list[str], chosen: list[str]) -> bool:
    changed = False
    for name in SPLITS:
        mine = [i for i, choice in zip(ids, chosen, strict=True) if choice == name]
        changed |= set_tag(view, name, mine) > 0
        changed |= views.save(hub, name, views.clean(hub).match_tags(name))
    return changed


def _follow_sources(hub: Any) -> bool:
    """A variant is for training only while its source is."""
    variants = hub.match_tags(VARIANT)
    training = set(views.originals(hub).match_tags("train").values("id"))
    pairs = zip(*columns(variants, "id", "source_id"), strict=True)
    return set_tag(variants, "train", [i for i, source in pairs if source in training]) > 0


def _record(
    name: str,
    fractions: dict[str, float],
    seed: int,
    labels: list[str],
    chosen: list[str],
    whole: int,
) -> SplitRecord:
    pairs = Counter(zip(chosen, labels, strict=True))
    counts = {
        split: {label: pairs[split, label] for label in sorted(set(labels)) if pairs[split, label]}
        for split in SPLITS
    }
    warnings = [
        f"class {label!r} has no image in {', '.join(missing)}: it has too few ({total})"
        for label, total in sorted(Counter(labels).items())
        if (missing := [s for s in SPLITS if fractions[s] > 0 and label not in counts[s]])
    ]
    return SplitRecord(name, fractions, seed, counts, whole, warnings=warnings)
