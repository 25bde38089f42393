"""The plot of ``outliers``: a panel a class, intensity mean against intensity deviation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from bccurate.reporting.charts import Bounds, Frame, Point, axes, dots, rectangle, svg, text
from bccurate.reporting.report_data import Json
from bccurate.reporting.text import clip, count_of, decimal, short_path, visible

Dot = tuple[float, float, bool]
WIDTH, HEIGHT, PLOT = 416, 212, 306  # of a panel, and of the plot within it
WORST = 3  # pictures beside a panel
MOST_DOTS = 400  # of a class, beside its outliers: more darken the cloud and tell nothing
SIDE, GAP = 60, 6  # of a picture
AROUND = ((1, 0), (-1, 0), (0, -1), (0, 1), (0.7, -0.7), (-0.7, -0.7), (0.7, 0.7), (-0.7, 0.7))
REACHES = (10, 14, 20, 28)  # of a number from its dot
HEADING, MARGIN = 26, 24  # of the whole plot as one SVG


def worst_by_class(rows: Iterable[Json], most: int = WORST) -> dict[str, list[Json]]:
    """The first ``most`` rows of each label; rows come worst first."""
    found: dict[str, list[Json]] = {}
    for row in rows:
        mine = found.setdefault(row["label"], [])
        if len(mine) < most:
            mine.append(row)
    return found


def panel(
    label: str,
    points: Sequence[Dot],
    bounds: Bounds | None,
    x: tuple[float, float],
    y: tuple[float, float],
    worst: Sequence[tuple[Json, str | None]] = (),
) -> Markup:
    """One class: a dot an image at (mean, standard deviation), outliers marked.

    The box is what alpha allows: inside it neither statistic is out of its class's bounds.
    ``worst`` are rows of the record with the address of their picture; they stand beside the
    plot, numbered as their dots are. ``x`` and ``y`` are the ends of the scales.
    """
    points = [p for p in points if math.isfinite(p[0]) and math.isfinite(p[1])]
    title = f"{label}: {count_of(len(points), 'image')}, "
    title += count_of(sum(out for _, _, out in points), "outlier")
    return svg(WIDTH, HEIGHT, title, _parts(points, bounds, x, y, worst))


def whole(title: str, panels: Sequence[tuple[str, str, Markup]], style: str) -> Markup:
    """One SVG document of ``(label, what is said of it, panel)`` a class, in two columns."""
    columns = min(2, len(panels)) or 1
    across, down = WIDTH + MARGIN, HEIGHT + HEADING + MARGIN
    width = columns * across + MARGIN
    height = 2 * MARGIN + math.ceil(len(panels) / columns) * down
    parts = [rectangle(0, 0, width, height, "paper"), text(MARGIN, 28, clip(title, 60), "title")]
    place = '<svg x="{}" y="{}" width="{}" height="{}">{}</svg>'
    for i, (label, said, drawn) in enumerate(panels):
        left, top = MARGIN + i % columns * across, 2 * MARGIN + i // columns * down
        parts.append(text(left, top + 14, clip(label, 40), "title"))
        parts.append(text(left + PLOT - 8, top + 14, said, "tick", "end"))
        parts.append(Markup(place).format(left, top + HEADING, WIDTH, HEIGHT, drawn))
    tag = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" role="img"><style>{}</style>'
    document = Markup(tag + "{}</svg>\n")
    return document.format(width, height, Markup(style), Markup("").join(parts))  # style: ours


def _parts(
    points: Sequence[Dot],
    bounds: Bounds | None,
    x: tuple[float, float],
    y: tuple[float, float],
    worst: Sequence[tuple[Json, str | None]],
) -> list[Markup]:
    frame = Frame(PLOT, HEIGHT, x, y)
    inliers = _thinned([(m, s) for m, s, out in points if not out])
    outliers = [(frame.px(m), frame.py(s)) for m, s, out in points if out]
    parts = [axes(frame, "mean intensity", "standard deviation")]
    ends = [bounds[of][end] for of in ("mean", "std") for end in ("low", "high")] if bounds else []
    if ends and all(isinstance(end, int | float) and math.isfinite(end) for end in ends):
        left, right, low, high = *map(frame.px, ends[:2]), *map(frame.py, ends[2:])
        parts.append(rectangle(left, high, right - left, low - high, "bounds"))
    parts.append(dots(((frame.px(m), frame.py(s)) for m, s in inliers), "dot"))
    parts.append(dots(outliers, "dot-out"))
    return parts + _marks(frame, [row for row, _ in worst], outliers) + _pictures(worst)


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most ``MOST_DOTS`` of ``points``, taken at even steps."""
    n = len(points)
    return points if n <= MOST_DOTS else [points[i * n // MOST_DOTS] for i in range(MOST_DOTS)]


def _marks(frame: Frame, rows: Sequence[Json], taken: list[Point]) -> list[Markup]:
    """The numbers of the worst beside their dots, at the first place that covers no other.

    ``taken`` are the dots that must stay to be seen.
    """
    parts, taken = [], list(taken)
    for number, row in enumerate(rows, 1):
        if not all(isinstance(row.get(of), int | float) for of in ("mean", "std")):
            continue  # a record of an older release
        x, y = frame.px(row["mean"]), frame.py(row["std"])
        places = [(x + reach * dx, y + reach * dy) for reach in REACHES for dx, dy in AROUND]
        inside = [place for place in places if place[0] < frame.width - 4] or places
        free = (place for place in inside if not any(_covers(place, dot) for dot in taken))
        place = next(free, inside[0])
        taken.append(place)
        parts.append(
            text(round(place[0], 1), round(place[1] + 4, 1), str(number), "mark", "middle")
        )
    return parts


def _covers(place: Point, dot: Point) -> bool:
    return abs(place[0] - dot[0]) < 8 and abs(place[1] - dot[1]) < 9


def _pictures(worst: Sequence[tuple[Json, str | None]]) -> list[Markup]:
    parts = []
    left = PLOT + 10
    image = '<image href="{}" x="{}" y="{}" width="{}" height="{}" {}><title>{}</title></image>'
    filled = Markup('preserveAspectRatio="xMidYMid slice"')
    for number, (row, uri) in enumerate(worst, 1):
        top = 2 + (number - 1) * (SIDE + GAP)
        parts.append(rectangle(left, top, SIDE, SIDE, "picture"))
        if uri:
            name = visible(short_path(row["filepath"]))
            parts.append(Markup(image).format(uri, left, top, SIDE, SIDE, filled, name))
        parts.append(text(left + SIDE + 6, top + 12, str(number), "mark"))
        parts.append(text(left + SIDE + 6, top + 26, decimal(row["score"], 2), "tick"))
    return parts
