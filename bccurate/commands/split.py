"""``bccurate split``: train, val and test, stratified; duplicate groups never cross splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from bccurate.curation.splits import assign_folds, assign_splits
from bccurate.duplicates.components import join_groups
from bccurate.errors import UsageError
from bccurate.hub import runs, views
from bccurate.hub.open import opened
from bccurate.hub.read import (
    columns,
    has_field,
    label_path,
    labelled,
    require_field,
    require_samples,
)
from bccurate.hub.views import SPLITS, VARIANT
from bccurate.hub.write import set_column, set_tag
from bccurate.records import SplitRecord
from bccurate.settings.curation import SplitOptions
from bccurate.settings.in_use import dataset_in_use
from bccurate.workflows.split_leaks import retag_leaks


def split(
    dataset: str | None = None,
    val: float = SplitOptions.val,
    test: float = SplitOptions.test,
    group: str | None = None,
    seed: int = SplitOptions.seed,
    redo: bool = SplitOptions.redo,
    folds: int | None = None,
) -> SplitRecord:
    """Tag every labelled sample ``train``, ``val`` or ``test`` and save a view for each.

    Samples that have a split keep it, from an earlier call or from the import, so that a test set
    stays one; only the others are placed. Equal pixels stay together even without ``dedupe``.

    With ``folds`` the samples of train and val get the field ``fold``, 0 to ``folds - 1``, for
    cross-validation beside a test set that stays apart (with ``test=0`` all samples do), and the
    view ``folds``. Once there are folds, later calls place new samples in them.

    Args:
        dataset: name; the one in use where None.
        val, test: shares, at least 0, together below 1.
        group: a field (patient, slide) whose values never cross splits either.
        seed: of the shuffle.
        redo: draw all anew; what was trained before has then seen some of the new test set.
        folds: 2 to 100; as many as there are where None.

    Raises:
        UsageError: impossible shares or folds, an unknown dataset or field.
        InputError: no labelled sample.
    """
    _check(val, test, seed, folds)
    name = dataset_in_use(dataset)
    with opened(name, write=True) as hub:
        view = labelled(views.originals(hub))
        require_samples(view, f"labelled samples in {name!r}", f"bccurate info -d {name}")
        if group:
            require_field(hub, group, f"bccurate info -d {name}")
        stored = runs.stored_options(hub, "split") or {}
        redo_folds = redo or folds not in (None, stored.get("folds"))
        folds = folds or stored.get("folds")
        options = {"val": val, "test": test, "group": group, "seed": seed, "folds": folds}
        samples = _Samples(view, group)
        fractions = {"train": round(1 - val - test, 6), "val": val, "test": test}
        chosen = samples.splits(fractions, seed, redo)
        changed = _write(hub, view, samples.ids, chosen) | _follow_sources(hub)
        record = _record(name, fractions, seed, samples, chosen)
        if folds:
            fold_of = samples.folds(chosen, folds, seed, redo_folds)
            changed |= set_column(view, "fold", samples.ids, fold_of) > 0
            if has_field(hub, "fold"):  # not where every sample is for the test
                changed |= views.save(hub, "folds", views.folds(hub))
            record = _with_folds(record, _table(range(folds), fold_of, samples.labels))
        if runs.has(hub, "dedupe"):
            changed |= retag_leaks(hub)[1]
        record.warnings.extend(_dedupe_warnings(hub, len(views.originals(hub))))
        if not changed and stored not in ({}, options):
            record.warnings.append("all samples keep the split they have; --redo draws anew")
        changed |= runs.save(hub, "split", record, options)
        return replace(record, changed=changed)


def _check(val: float, test: float, seed: int, folds: int | None) -> None:
    SplitOptions(val=val, test=test, seed=seed, folds=folds).check()
    if val + test >= 1:
        raise UsageError(f"val and test are shares that leave some for train, not {val} and {test}")


class _Samples:
    """The columns that a split reads, and the groups that they make."""

    def __init__(self, view: Any, group: str | None) -> None:
        self.ids, self.paths, self.labels, self._tags, self._folds, *joined = columns(
            view, "id", "filepath", label_path(view), "tags", "fold", "pixelhash",
            "linked_group", *([group] if group else []),
        )  # fmt: skip
        self.groups = join_groups(*joined)

    def splits(self, fractions: dict[str, float], seed: int, redo: bool) -> list[str]:
        fixed = None if redo else [_current(own) for own in self._tags]
        return assign_splits(self.labels, self.groups, self.paths, fractions, seed, fixed)

    def folds(self, chosen: list[str], folds: int, seed: int, redo: bool) -> list[int | None]:
        """A fold for each sample outside the test split, None for the others."""
        open_ = [i for i, split in enumerate(chosen) if split != "test"]
        found = assign_folds(
            [self.labels[i] for i in open_],
            [self.groups[i] for i in open_],
            [self.paths[i] for i in open_],
            folds,
            seed,
            None if redo else [self._folds[i] for i in open_],
        )
        fold_of = dict(zip(open_, found, strict=True))
        return [fold_of.get(i) for i in range(len(chosen))]


def _dedupe_warnings(hub: Any, n: int) -> list[str]:
    record = runs.load(hub, "dedupe")
    if record is None:
        return ["near duplicates were not looked for; run bccurate dedupe first"]
    if record["counts"]["samples"] != n:
        return ["dedupe has not seen all samples, or some that are gone; run it again, then this"]
    return []


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
    name: str, fractions: dict[str, float], seed: int, samples: _Samples, chosen: list[str]
) -> SplitRecord:
    counts = _table(SPLITS, chosen, samples.labels)
    warnings = [
        f"class {label!r} has no image in {', '.join(missing)}: it has too few ({total})"
        for label, total in sorted(Counter(samples.labels).items())
        if (missing := [s for s in SPLITS if fractions[s] > 0 and label not in counts[s]])
    ]
    whole = sum(n > 1 for n in Counter(samples.groups).values())
    return SplitRecord(name, fractions, seed, counts, whole, warnings=warnings)


def _with_folds(record: SplitRecord, folds: dict[str, dict[str, int]]) -> SplitRecord:
    labels = sorted({label for counts in folds.values() for label in counts})
    scarce = [label for label in labels if not all(label in counts for counts in folds.values())]
    if scarce:
        record.warnings.append(f"too few for {len(folds)} folds: {', '.join(scarce)}")
    return replace(record, folds=folds)


def _table(
    parts: Iterable[Any], chosen: Sequence[Any], labels: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Part to label to how many samples; a fold's name is a string, as in JSON."""
    pairs = Counter(zip(chosen, labels, strict=True))
    names = sorted(set(labels))
    return {
        str(part): {label: pairs[part, label] for label in names if pairs[part, label]}
        for part in parts
    }
