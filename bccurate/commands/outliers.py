"""``bccurate outliers``: the paper's equations 1 and 2, class by class, and a look by embedding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bccurate.curation.neighbours import K, neighbour_outliers
from bccurate.curation.outliers import (
    EQUATIONS,
    IntensityOutliers,
    intensity_outliers,
    smallest_class,
)
from bccurate.errors import InputError, UsageError
from bccurate.files import atomic_write
from bccurate.hub import runs, views
from bccurate.hub.open import opened
from bccurate.hub.read import columns, label_path, labelled, require_samples
from bccurate.hub.review_tags import set_curation_tag
from bccurate.hub.samples import ensure_image_stats
from bccurate.hub.write import set_column
from bccurate.records import OutliersRecord
from bccurate.reporting.intensity import worst_by_class
from bccurate.reporting.page import render_outliers
from bccurate.reporting.report_data import ReportData
from bccurate.settings.curation import OutliersOptions
from bccurate.settings.in_use import dataset_in_use
from bccurate.workflows.artifacts import embed_files, weights_file
from bccurate.workflows.thumbnails import intensities, thumbnails

COPIES = ("duplicate", "contamination")  # tags of what the bounds are not taken from
MOST_COPIES = 0.05  # of a class; beyond it someone planted them
MOST_OUTLIERS = 0.05  # of a class by median-mad; clean cells reach 0.04
PLOTS = (".html", ".svg")


@dataclass(frozen=True)
class _Samples:
    """Columns of N samples; ``reference`` (N,) bool are those that the bounds come from."""

    ids: list[str]
    paths: list[str]
    labels: list[str]
    means: np.ndarray
    stds: np.ndarray
    reference: np.ndarray


def outliers(
    dataset: str | None = None,
    alpha: float = OutliersOptions.alpha,
    statistic: str = OutliersOptions.statistic,
    iterate: bool = OutliersOptions.iterate,
    false_alarms: float = OutliersOptions.false_alarms,
    embedding: str | None = None,
    plot: str | Path | None = None,
    zoo: str | Path | None = None,
    view: str | None = None,
) -> OutliersRecord:
    """Score every labelled sample and tag the outliers; nothing is removed.

    The bounds of a class come from its samples without duplicates and contamination: a picture
    that is there 200 times would else pull them over itself. Run ``dedupe`` first.

    Args:
        dataset: name; the one in use where None.
        alpha: threshold in standard deviations (or MADs), above 0; in large classes at least.
        statistic: ``mean-std`` (the paper's) or ``median-mad`` (robust).
        iterate: leave out what was found and look again.
        false_alarms: how many images of a normally distributed class may pass the bound of an
            equation by chance, 0 or more; 0 keeps ``alpha`` in every class.
        embedding: a model trained on this dataset; what is far from its class in the model's
            features gets the tag ``outlier_embedding`` and stays in the view ``clean``.
        plot: a file, .html or .svg, for the plot of the classes; written whole or not at all.
        zoo: a folder with a ``manifest.json`` that holds the model of ``embedding``, beside the
            installed zoos; ``$BCCURATE_ZOO`` where None.
        view: a saved view, alone looked at and the bounds taken from; the samples outside it then
            have no score and are no outliers.

    Raises:
        UsageError: an unknown option value, view or dataset, or a model that was not trained here.
        InputError: no labelled sample, or ``plot`` cannot be written.
        NoSpaceError: the disk is full.
    """
    OutliersOptions(alpha=alpha, statistic=statistic, false_alarms=false_alarms).check()
    target = _plot_file(plot)
    name = dataset_in_use(dataset)
    with opened(name, write=True) as hub:
        weights = weights_file(name, embedding, zoo) if embedding else None
        chosen = labelled(views.looked_at(hub, view))
        require_samples(chosen, f"labelled samples in {name!r}", f"bccurate info -d {name}")
        changed = ensure_image_stats(chosen)[0] > 0
        chosen = chosen.match_tags("unreadable", bool=False)
        require_samples(chosen, f"readable samples in {name!r}", f"bccurate info -d {name}")
        samples = _read(chosen)
        found = intensity_outliers(
            samples.means, samples.stds, samples.labels, samples.reference,
            alpha, statistic, iterate, false_alarms,
        )  # fmt: skip
        order, wrote = _mark(hub, samples, found.scores, "outlier_score", "outlier")
        changed |= wrote | views.save(hub, "outliers", views.outliers(hub))
        changed |= views.save(hub, "clean", views.clean(hub))
        record = OutliersRecord(
            name, alpha, statistic, _rows(samples, found, order), found.per_class,
            false_alarms=false_alarms,
            view=view,
            warnings=_warnings(hub, samples, found, alpha, statistic, false_alarms),
        )  # fmt: skip
        if embedding and weights:
            features = embed_files(weights, samples.paths, zoo)
            rows, wrote = _by_embedding(hub, samples, features, alpha, false_alarms)
            record = replace(record, embedding={"model": embedding, "k": K, "outliers": rows})
            changed |= wrote
        options = {"alpha": alpha, "statistic": statistic, "iterate": iterate,
                   "false_alarms": false_alarms, "embedding": embedding}  # fmt: skip
        options |= {"view": view} if view else {}
        changed |= runs.save(hub, "outliers", record, options)
        if target:
            _write_plot(hub, record, target)
        return replace(record, changed=changed, plot=str(target) if target else None)


def _plot_file(plot: str | Path | None) -> Path | None:
    if plot is None:
        return None
    path = Path(plot).expanduser().absolute()
    if path.suffix.lower() not in PLOTS:
        raise UsageError(f"A plot is a file .html or .svg, not {path.name!r}", "--plot plot.html")
    if path.is_dir():
        raise InputError(f"{path} is a folder.", f"--plot {path / 'plot.html'}")
    return path


def _read(view: Any) -> _Samples:
    ids, paths, labels, means, stds, tags = columns(
        view, "id", "filepath", label_path(view), "intensity_mean", "intensity_std", "tags"
    )
    reference = np.array([not any(tag in own for tag in COPIES) for own in tags])
    return _Samples(ids, paths, labels, np.array(means), np.array(stds), reference)


def _mark(
    hub: Any, samples: _Samples, scores: np.ndarray, field: str, tag: str
) -> tuple[list[int], bool]:
    """Write scores and tag; the outliers' places, worst first, and whether anything changed.

    Samples that were not looked at lose theirs.
    """
    view = views.originals(hub)
    every = view.values("id")
    score_of = dict(zip(samples.ids, np.round(scores, 6).tolist(), strict=True))
    found = [i for i in np.argsort(-scores, kind="stable").tolist() if scores[i] > 0.5]
    changed = set_column(view, field, every, [score_of.get(i) for i in every]) > 0
    changed |= set_curation_tag(view, tag, [samples.ids[i] for i in found]) > 0
    return found, changed


def _rows(samples: _Samples, found: IntensityOutliers, order: list[int]) -> list[dict[str, Any]]:
    rows = []
    for i in order:
        equation = EQUATIONS[found.equations[i]]
        bounds = found.per_class[samples.labels[i]][equation]
        rows.append(
            _row(samples, found.scores, i)
            | {
                "equation": equation,
                "mean": round(float(samples.means[i]), 3),
                "std": round(float(samples.stds[i]), 3),
                "low": round(bounds["low"], 3),
                "high": round(bounds["high"], 3),
            }
        )
    return rows


def _row(samples: _Samples, scores: np.ndarray, i: int) -> dict[str, Any]:
    score = round(float(scores[i]), 6)
    return {
        "filepath": samples.paths[i], "label": samples.labels[i], "score": score, "outlier": True
    }  # fmt: skip


def _by_embedding(
    hub: Any,
    samples: _Samples,
    features: np.ndarray,
    alpha: float,
    false_alarms: float,
) -> tuple[list[dict[str, Any]], bool]:
    """Rows of what is far from its class in a model's features; field, tag and view are written."""
    scores, distances = neighbour_outliers(
        features, samples.labels, samples.reference, alpha, false_alarms
    )
    order, changed = _mark(hub, samples, scores, "embedding_outlier_score", "outlier_embedding")
    changed |= views.save(hub, "outliers_embedding", views.embedding_outliers(hub))
    rows = [_row(samples, scores, i) | {"distance": round(float(distances[i]), 6)} for i in order]
    return rows, changed


def _write_plot(hub: Any, record: OutliersRecord, path: Path) -> None:
    worst = worst_by_class(record.outliers).values()
    data = ReportData(
        dataset=str(record.dataset),
        created="",
        records={"outliers": record.to_json()},
        intensities=intensities(hub),
        thumbnails=thumbnails(row["filepath"] for rows in worst for row in rows),
    )
    page = render_outliers(data, path.suffix.lower().lstrip("."))
    with atomic_write(path) as file:
        file.write(page.encode("utf-8", "replace"))


def _warnings(
    hub: Any,
    samples: _Samples,
    found: IntensityOutliers,
    alpha: float,
    statistic: str,
    false_alarms: float,
) -> list[str]:
    warnings = []
    if not runs.has(hub, "dedupe"):
        warnings.append(
            "duplicates and contamination were not looked for; run bccurate dedupe first"
        )
    copies = _shares(samples, ~samples.reference)
    many = [f"{label} ({share:.0%})" for label, share in copies.items() if share > MOST_COPIES]
    if many:
        warnings.append(
            f"more than {MOST_COPIES:.0%} of a class are duplicates or contamination, which the "
            f"bounds leave out: {', '.join(many)}; look at the view duplicates"
        )
    if statistic == "mean-std":
        warnings += _masking(samples, found, alpha, false_alarms) + _too_small(found)
    return warnings


def _masking(
    samples: _Samples, found: IntensityOutliers, alpha: float, false_alarms: float
) -> list[str]:
    """Many outliers widen the bounds until none of them is out; the robust bounds tell."""
    robust = intensity_outliers(
        samples.means, samples.stds, samples.labels, samples.reference,
        alpha, "median-mad", false_alarms=false_alarms,
    )  # fmt: skip
    ours = _shares(samples, samples.reference & (found.scores > 0.5))
    theirs = _shares(samples, samples.reference & (robust.scores > 0.5))
    masked = [
        f"{label} ({share:.0%} against {ours[label]:.1%})"
        for label, share in theirs.items()
        if share > MOST_OUTLIERS and share > 2 * ours[label]
    ]
    if not masked:
        return []
    return [
        f"outliers seem to hide each other: far more are out by median-mad in {', '.join(masked)} "
        "(use --statistic median-mad)"
    ]


def _too_small(found: IntensityOutliers) -> list[str]:
    least = {label: smallest_class(row["alpha"]) for label, row in found.per_class.items()}
    small = [label for label, n in least.items() if found.per_class[label]["n"] < n]
    if not small:
        return []
    return [
        f"with mean-std no image of a class under {max(least[label] for label in small)} images "
        f"can be an outlier: {', '.join(small)} (use --statistic median-mad)"
    ]


def _shares(samples: _Samples, which: np.ndarray) -> dict[str, float]:
    """Label to the share of its samples that are among ``which`` (N,) bool."""
    names = np.asarray(samples.labels, dtype=object)
    return {label: float(which[names == label].mean()) for label in sorted(set(samples.labels))}
