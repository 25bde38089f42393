"""``bccurate outliers``: the paper's equations 1 and 2, class by class."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bccurate.curation.outliers import STATISTICS, intensity_outliers, smallest_class
from bccurate.errors import UsageError
from bccurate.hub import runs, views
from bccurate.hub.open import opened
from bccurate.hub.read import LABEL_FIELD, columns, require_samples
from bccurate.hub.samples import ensure_facts
from bccurate.hub.write import set_column, set_tag
from bccurate.records import OutliersRecord
from bccurate.settings import dataset_in_use

MAX_ALPHA = 1_000_000


def outliers(
    dataset: str | None = None,
    alpha: float = 3.0,
    statistic: str = "mean-std",
    iterate: bool = False,
) -> OutliersRecord:
    """Score every labelled sample and tag the outliers; nothing is removed.

    The bounds of a class come from its samples without duplicates: a picture that is there 200
    times would else pull them over itself. Run ``dedupe`` first.

    Args:
        dataset: name; the one in use where None.
        alpha: bound in spreads, above 0 and at most ``MAX_ALPHA``.
        statistic: ``mean-std`` (the paper's) or ``median-mad`` (robust).
        iterate: leave out what was found and look again.

    Raises:
        UsageError: an unknown option value or dataset.
        InputError: no labelled sample.
    """
    if statistic not in STATISTICS:
        raise UsageError(f"Unknown statistic {statistic!r}; known: {', '.join(STATISTICS)}")
    if not 0 < alpha <= MAX_ALPHA:
        raise UsageError(f"alpha must be above 0 and at most {MAX_ALPHA:,}, not {alpha}")
    name = dataset_in_use(dataset)
    with opened(name) as hub:
        view = views.originals(hub).exists(f"{LABEL_FIELD}.label")
        require_samples(view, f"labelled samples in {name!r}", f"bccurate info -d {name}")
        decoded, _ = ensure_facts(view)
        require_samples(view, f"readable samples in {name!r}", f"bccurate info -d {name}")
        ids, paths, labels, means, stds, tags = columns(
            view,
            "id",
            "filepath",
            f"{LABEL_FIELD}.label",
            "intensity_mean",
            "intensity_std",
            "tags",
        )
        scores, per_class = intensity_outliers(
            np.array(means),
            np.array(stds),
            labels,
            np.array(["duplicate" not in own for own in tags]),
            alpha,
            statistic,
            iterate,
        )
        found = [i for i in np.argsort(-scores, kind="stable").tolist() if scores[i] > 0.5]
        changed = decoded > 0
        changed |= set_column(view, "outlier_score", ids, np.round(scores, 6).tolist()) > 0
        changed |= set_tag(view, "outlier", [ids[i] for i in found]) > 0
        changed |= views.save(hub, "outliers", views.outliers(hub))
        changed |= views.save(hub, "clean", views.clean(hub))
        record = OutliersRecord(
            dataset=name,
            alpha=alpha,
            statistic=statistic,
            outliers=[
                {"filepath": paths[i], "label": labels[i], "score": round(float(scores[i]), 6)}
                for i in found
            ],
            per_class=per_class,
            warnings=_warnings(hub, per_class, alpha, statistic),
        )
        options = {"alpha": alpha, "statistic": statistic, "iterate": iterate}
        changed |= runs.save(hub, "outliers", record, options)
        return replace(record, changed=changed)


def _warnings(
    hub: Any, per_class: dict[str, dict[str, Any]], alpha: float, statistic: str
) -> list[str]:
    warnings = []
    if not hub.has_run("dedupe"):
        warnings.append("duplicates were not looked for; run bccurate dedupe first")
    least = smallest_class(alpha)
    small = [label for label, row in per_class.items() if row["n"] < least]
    if small and statistic == "mean-std":
        warnings.append(
            f"with alpha {alpha:g} no image of a class under {least} images can be an outlier: "
            f"{', '.join(small)} (use --statistic median-mad)"
        )
    return warnings
