"""Render the report: one HTML page that needs nothing but itself.

``render_outliers`` gives the plot of the outliers alone, as such a page or as one SVG.

Promises, each held by a test: no script, no network request (the content security policy forbids
both), every text from a file name or a label escaped, and at most ``MOST_BYTES``.
"""

from __future__ import annotations

import shlex
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from bccurate.reporting.background import background
from bccurate.reporting.gallery import SPLITS, Caps
from bccurate.reporting.intensity import whole
from bccurate.reporting.models import compare, model_part
from bccurate.reporting.next_steps import steps
from bccurate.reporting.report_data import ReportData
from bccurate.reporting.robustness import ESTIMATES, estimates, robustness, which_to_believe
from bccurate.reporting.sections import (
    classes,
    duplicates,
    leaks,
    outliers,
    removed,
    runs,
    split,
    variants,
)
from bccurate.reporting.summary import best_model, findings, number_to_believe
from bccurate.reporting.table_of_contents import contents
from bccurate.reporting.text import count_of, decimal, more_of, number, percent, visible

MOST_BYTES = 5_000_000
SHARES = (1.0, 0.5, 0.25, 0.1, 0.0)  # of the pictures, tried in turn until the page is small
HERE = Path(__file__).parent


def render(data: ReportData) -> str:
    """The page as text; write it as UTF-8. Never longer than ``MOST_BYTES`` for want of pictures.

    Where all pictures do not fit, every gallery loses its tail alike and the page says so.
    """
    for share in SHARES:
        page = _render(data, share)
        if len(page.encode()) <= MOST_BYTES:
            break
    return page


def render_outliers(data: ReportData, kind: str) -> str:
    """The panels of ``data.records["outliers"]``, a class each; ``kind`` is "html" or "svg"."""
    found = outliers(data, Caps())
    assert found is not None
    if kind == "svg":
        panels = [
            (plot["label"], f"{plot['outliers']:,} of {plot['n']:,}", plot["svg"])
            for plot in found["plots"]
        ]
        return whole(f"{data.dataset}: outliers", panels, _style("charts.css"))
    template = _environment().get_template("plot.html.j2")
    return template.render(dataset=data.dataset, style=_style(), outliers=found)


def _style(*files: str) -> Markup:
    """Our style sheets as they stand; they are no stranger's, so nothing is escaped."""
    files = files or ("charts.css", "style.css")
    return Markup("\n".join((HERE / file).read_text("utf-8") for file in files))


def _render(data: ReportData, share: float) -> str:
    parts = _images(data, Caps().scaled(share)) | _models(data, Caps().scaled(share))
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            dataset=data.dataset,
            created=data.created,
            name=shlex.quote(data.dataset),
            style=_style(),
            findings=findings(data),
            believe=number_to_believe(data),
            share=share,
            steps=steps(data),
            contents=contents(parts),
            **parts,
        )
    )


def _images(data: ReportData, caps: Caps) -> dict[str, Any]:
    """What the sections on images lay out."""
    return {
        "classes": classes(data),
        "duplicates": duplicates(data, caps),
        "outliers": outliers(data, caps),
        "split": split(data),
        "split_names": SPLITS,
        "leaks": leaks(data, caps),
        "variants": variants(data, caps),
        "removed": removed(data, caps),
        "runs": runs(data),
    }


def _models(data: ReportData, caps: Caps) -> dict[str, Any]:
    """What the sections on models lay out."""
    best = best_model(data)
    return {
        "table": compare(data),
        "best": best.name if best else None,
        "estimates": estimates(data),
        "estimate_names": list(ESTIMATES.values()),
        "which": which_to_believe(data, best),
        "robustness": robustness(data, caps),
        "background": background(data),
        "models": [model_part(data, model, i, caps) for i, model in enumerate(data.models, 1)],
    }


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=number,
        decimal=decimal,
        percent=percent,
        count_of=count_of,
        more_of=more_of,
        lines=escape,
    )
    return environment


def _finalize(value: Any) -> Any:
    """Every text that the template puts out, before it is escaped."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
