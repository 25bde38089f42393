"""Charts as inline SVG, one pure function each; style.css gives them their colours.

All text goes through ``Markup.format``, which escapes it; nothing here joins raw strings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bccurate.reporting.text import clip, count_of, percent, visible

Point = tuple[float, float]
Bounds = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Frame:
    """A plot area in an SVG of ``width`` x ``height``, with linear scales ``x`` and ``y``."""

    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]
    left: float = 34
    right: float = 8
    top: float = 8
    bottom: float = 30

    def px(self, value: float) -> float:
        """Horizontal place of ``value``; outside the scale it stays on the frame."""
        return self._place(value, self.x, self.left, self.width - self.right)

    def py(self, value: float) -> float:
        """Vertical place of ``value``; outside the scale it stays on the frame."""
        return self._place(value, self.y, self.height - self.bottom, self.top)

    @staticmethod
    def _place(value: float, scale: tuple[float, float], start: float, end: float) -> float:
        low, high = scale
        share = (value - low) / ((high - low) or 1)
        return round(start + min(max(share, 0.0), 1.0) * (end - start), 1)


def svg(width: float, height: float, title: str, parts: Iterable[Markup]) -> Markup:
    """One SVG that scales with the page and tells its ``title`` to a screen reader."""
    # One unit is at most 1.15 px in every chart, so that their words are of one size.
    tag = '<svg viewBox="0 0 {} {}" style="max-width:{:.0f}px" role="img" aria-label="{}">{}</svg>'
    return Markup(tag).format(width, height, 1.15 * width, visible(title), Markup("").join(parts))


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> Markup:
    """Words at a place; ``kind`` is a CSS class."""
    return Markup('<text x="{}" y="{}" class="{}" text-anchor="{}">{}</text>').format(
        x, y, kind, anchor, visible(words)
    )


def line(points: Sequence[Point], kind: str) -> Markup:
    """A polyline through ``points`` in SVG units."""
    places = " ".join(f"{x:g},{y:g}" for x, y in points)
    return Markup('<polyline points="{}" class="{}"/>').format(places, kind)


def rectangle(x: float, y: float, width: float, height: float, kind: str) -> Markup:
    """A rectangle; a negative size is drawn as none."""
    return Markup('<rect x="{:g}" y="{:g}" width="{:g}" height="{:g}" class="{}"/>').format(
        x, y, max(width, 0), max(height, 0), kind
    )


def dots(points: Iterable[Point], kind: str) -> Markup:
    """Round dots as one path; dots that would fall on the same pixel are drawn once."""
    places = sorted({(round(x), round(y)) for x, y in points})
    path = "".join(f"M{x} {y}h0" for x, y in places)
    return Markup('<path d="{}" class="{}"/>').format(path, kind) if path else Markup("")


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round values from ``low`` to ``high``, at most about ``most`` of them."""
    span = (high - low) or 1.0
    raw = span / most
    scale = 10 ** math.floor(math.log10(raw))
    step = next(s * scale for s in (1, 2, 2.5, 5, 10) if s * scale >= raw)
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


def axes(frame: Frame, x_name: str, y_name: str, *, x_ticks: list[float] | None = None) -> Markup:
    """Grid lines, tick numbers and the names of both axes."""
    left, right = frame.left, frame.width - frame.right
    bottom, top = frame.height - frame.bottom, frame.top
    parts = []
    for value in ticks(*frame.y):
        y = frame.py(value)
        parts.append(line([(left, y), (right, y)], "grid"))
        parts.append(text(left - 4, y + 3, f"{value:g}", "tick", "end"))
    parts += [
        text(frame.px(value), bottom + 11, f"{value:g}", "tick", "middle")
        for value in (ticks(*frame.x) if x_ticks is None else x_ticks)
    ]
    parts.append(line([(left, bottom), (right, bottom)], "axis"))
    parts.append(text((left + right) / 2, frame.height - 3, x_name, "name", "middle"))
    place = f"translate(8 {(top + bottom) / 2}) rotate(-90)"
    turned = Markup('<text transform="{}" class="name" text-anchor="middle">{}</text>')
    parts.append(turned.format(place, y_name))
    return Markup("").join(parts)


def reliability(curves: Sequence[tuple[str, Sequence[dict[str, float]]]], title: str) -> Markup:
    """Accuracy against confidence a bin; the diagonal is honest, below it is overconfident.

    ``curves`` are named, the first with a dot a bin whose area is the number of its images. An
    empty bin has no place.
    """
    frame = Frame(320, 260, (0, 1), (0, 1))
    ends = [(frame.px(v), frame.py(v)) for v in (0, 1)]
    parts = [axes(frame, "confidence", "accuracy"), line(ends, "ideal")]
    for i, (name, bins) in enumerate(curves):
        filled = [b for b in bins if b.get("n")]
        places = [(frame.px(b["confidence"]), frame.py(b["accuracy"])) for b in filled]
        kind = 2 * i  # blue, then ochre: red is for what is wrong
        if i == 0:
            gaps = [
                [(x, frame.py(b["confidence"])), (x, y)]
                for b, (x, y) in zip(filled, places, strict=True)
            ]
            parts += [line(gap, "gap") for gap in gaps]
        parts.append(line(places, f"line line-{kind}"))
        parts.append(_bubbles(filled, places) if i == 0 else dots(places, f"point point-{kind}"))
        parts.append(text(frame.left + 8, frame.top + 13 + 14 * i, name, f"row ink-{kind}"))
    return svg(frame.width, frame.height, title, parts)


def _bubbles(bins: Sequence[dict[str, float]], places: Sequence[Point]) -> Markup:
    most = max((b["n"] for b in bins), default=1)
    shape = '<circle cx="{}" cy="{}" r="{:.1f}" class="bubble"><title>{}</title></circle>'
    drawn = []
    for b, (x, y) in zip(bins, places, strict=True):
        words = f"{count_of(int(b['n']), 'image')}: {percent(b['confidence'])} sure"
        words += f", {percent(b['accuracy'])} right"
        drawn.append(Markup(shape).format(x, y, 2.5 + 6 * math.sqrt(b["n"] / most), words))
    return Markup("").join(drawn)


def recall_bars(per_class: dict[str, dict], title: str) -> Markup:
    """A bar a class with its recall and a whisker for the 95 % interval."""
    row, left, width = 24, 108, 400
    right = width - 62
    parts = [
        line([(_bar(v, left, right), 4), (_bar(v, left, right), row * len(per_class) + 6)], "grid")
        for v in (0.25, 0.5, 0.75, 1)
    ]
    for i, (label, values) in enumerate(per_class.items()):
        y, recall = 6 + i * row, values.get("recall") or 0.0
        parts.append(text(left - 8, y + 14, clip(label, 18), "row", "end"))
        parts.append(rectangle(left, y + 3, right - left, row - 9, "track"))
        parts.append(rectangle(left, y + 3, _bar(recall, left, right) - left, row - 9, "bar"))
        low, high = values.get("recall_interval") or (recall, recall)
        ends = [(_bar(v, left, right), y + row / 2 - 1.5) for v in (low, high)]
        parts.append(line(ends, "whisker"))
        parts.append(text(right + 8, y + 14, percent(values.get("recall")), "row"))
    return svg(width, row * len(per_class) + 12, title, parts)


def _bar(share: float, left: float, right: float) -> float:
    return round(left + min(max(share, 0.0), 1.0) * (right - left), 1)


def heat_map(
    rows: Mapping[str, Sequence[float | None]], columns: Sequence[str], title: str
) -> Markup:
    """Shares in [0, 1], a row a name: the darker the more, with the percentage in each cell.

    None is what was not measured: a dash.
    """
    left, cell, height, top = 118, 52, 24, 18
    parts = [
        text(left + (i + 0.5) * cell, 11, name, "tick", "middle") for i, name in enumerate(columns)
    ]
    shape = '<rect x="{}" y="{}" width="{}" height="{}" class="heat" fill-opacity="{:.3f}"/>'
    for row, (name, shares) in enumerate(rows.items()):
        y = top + row * height
        parts.append(text(left - 8, y + 15, clip(name, 20), "row", "end"))
        for i, share in enumerate(shares):
            inside = min(max(share or 0.0, 0.0), 1.0)
            x = left + i * cell
            parts.append(Markup(shape).format(x, y, cell - 2, height - 2, inside))
            kind = "row full" if inside > 0.7 else "row"
            parts.append(text(x + cell / 2 - 1, y + 15, _points(share), kind, "middle"))
    return svg(left + cell * len(columns) + 4, top + height * len(rows) + 4, title, parts)


def _points(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f}"


def history(rows: Sequence[dict], kind: str, title: str) -> Markup:
    """Lines over epochs of every column whose name holds ``kind``, e.g. ``"loss"`` or ``"f1"``.

    The last value of each line is written at its end. Empty where no column fits.
    """
    names = [name for name in (rows[0] if rows else {}) if kind in name]
    series = {name: _finite(rows, name) for name in names}
    series = {name: points for name, points in series.items() if points}
    if not series:
        return Markup("")
    values = [v for points in series.values() for _, v in points]
    epochs = [e for points in series.values() for e, _ in points]
    top = 1.0 if kind != "loss" else max(values) * 1.05
    low = 0.0 if kind == "loss" else max(0.0, math.floor(min(values) * 10) / 10 - 0.1)
    frame = Frame(340, 190, (min(epochs), max(epochs)), (low, top), right=112)
    marks = sorted({round(t) for t in ticks(*frame.x)} & set(epochs))
    parts = [axes(frame, "epoch", kind.replace("f1", "F1"), x_ticks=[float(m) for m in marks])]
    ends = []
    for i, (name, points) in enumerate(series.items()):
        parts.append(line([(frame.px(e), frame.py(v)) for e, v in points], f"line line-{i % 3}"))
        words = name.replace("_", " ").replace("f1", "F1")
        ends.append((frame.py(points[-1][1]), f"{words} {points[-1][1]:.3g}", i))
    lowest = 0.0
    for y, words, i in sorted(ends):  # names of lines that end together are set apart
        lowest = max(y + 3, lowest + 12)
        parts.append(text(frame.width - 108, lowest, words, f"row ink-{i % 3}"))
    return svg(frame.width, frame.height, title, parts)


def _finite(rows: Sequence[dict], name: str) -> list[tuple[int, float]]:
    return [
        (int(row.get("epoch", i + 1)), float(row[name]))
        for i, row in enumerate(rows)
        if isinstance(row.get(name), int | float) and math.isfinite(row[name])
    ]
