"""How the panel ``mistakes`` looks: FiftyOne's views and Plotly's data, no logic."""

from __future__ import annotations

from collections import Counter
from typing import Any

from fiftyone.operators import types

from bccurate.app.operations import choices, plain

ORANGE, GREEN = "#ff6d04", "#4caf50"
QUIET = {"displayModeBar": False}
SIDE = 160  # pixels of a picture
AS_WIDE_AS_IT_IS = {"item": {"sx": {"width": "auto"}}}
EDGE = {"container": {"sx": {"p": 1}}}
ROOT = {"orientation": "vertical", "gap": 1, "columns": 1, "componentsProps": EDGE}
CONFUSION = {
    "xaxis": {"title": {"text": "predicted"}, "automargin": True, "fixedrange": True},
    "yaxis": {
        "title": {"text": "labelled"},
        "automargin": True,
        "autorange": "reversed",
        "fixedrange": True,
    },
    "margin": {"t": 10, "r": 10, "b": 10, "l": 10},
}
BARS = {
    "xaxis": {"range": [0, 1.7], "visible": False, "fixedrange": True},
    "yaxis": {"autorange": "reversed", "automargin": True, "fixedrange": True},
    "margin": {"t": 0, "r": 0, "b": 0, "l": 0},
    "bargap": 0.35,
}


def controls(
    panel: Any, root: types.Object, models: list[str], model: str, n: int, wrong: int
) -> None:
    """The model, how much it gets wrong, and what the grid shows."""
    view = choices(types.DropdownView(), models)
    root.enum("chosen", models, default=model, label="Model", view=view, on_change=panel.choose)
    share = f" ({wrong / n:.1%})" if n else ""
    root.md(f"**{wrong:,} of {n:,}** labelled samples differ from {model}{share}.", name="total")
    row = _row(root, "shown_in_the_grid")
    row.btn(
        "show_all",
        label="All mistakes",
        on_click=panel.show_all,
        variant="outlined",
        componentsProps=AS_WIDE_AS_IT_IS,
    )
    row.btn(
        "show_everything",
        label="Show all samples",
        on_click=panel.show_everything,
        variant="outlined",
        componentsProps=AS_WIDE_AS_IT_IS,
    )


def confusion_plot(panel: Any, root: types.Object) -> None:
    """The confusion; a click goes through a cell."""
    _plot(root, "confusion", 330, on_click=panel.show_cell, layout=CONFUSION)


def progress(root: types.Object, shown: dict[str, Any], cell: list[str] | None, model: str) -> None:
    """Which samples these are and how many of them are decided."""
    what = f"{plain(cell[0])} taken for {plain(cell[1])}" if cell else f"All mistakes of {model}"
    if not shown["of"]:
        root.md(f"**{what}**: there are none.", name="queue")
        return
    done = f"{shown['reviewed']:,} of {shown['of']:,} reviewed"
    root.md(f"**{what}**: sample {shown['place']:,} of {shown['of']:,}, {done}", name="queue")
    root.float(
        "reviewed",
        default=round(shown["reviewed"] / shown["of"], 4),
        view=types.ProgressView(),
    )


def card(root: types.Object, shown: dict[str, Any], model: str) -> None:
    """Picture, map and likeliest classes side by side."""
    decision = f" · decided: **{plain(shown['decision'])}**" if shown["decision"] else ""
    words = "labelled **{}**, predicted **{}** ({:.1%})".format(
        plain(shown["label"]), plain(shown["prediction"]), shown["confidence"]
    )
    root.md(f"{words}{decision}", name="words")
    row = _row(root, "card", gap=2)
    for name, alt in (("picture", shown["name"]), ("heatmap", f"Grad-CAM of {model}")):
        if shown[name]:
            row.img(
                name,
                width=f"{SIDE}px",
                height=f"{SIDE}px",
                alt_text=alt,
                point_on_hover=False,
                componentsProps=AS_WIDE_AS_IT_IS,
            )
    _plot(row, "likeliest", SIDE, 200, layout=BARS)
    if not shown["picture"]:
        root.md(f"The file of {plain(shown['name'])} cannot be read.", name="no_picture")
    elif not shown["heatmap"]:
        line = f"`bccurate explain {model} --view mistakes_{model}`"
        root.md(f"There is no Grad-CAM map of this sample: {line}", name="no_heatmap")


def buttons(
    panel: Any, root: types.Object, shown: dict[str, Any], classes: list[str], sample: str
) -> None:
    """The decisions, and where to go."""
    answers = _row(root, "answers")
    for place, name in enumerate(shown["offers"]):
        answers.btn(
            f"relabel_{place}",
            label=f"Relabel {name}",
            on_click=panel.relabel,
            params={"label": name},
            variant="outlined",
            componentsProps=AS_WIDE_AS_IT_IS,
        )
    others = types.DropdownView(
        placeholder="Another class", compact=True, componentsProps=AS_WIDE_AS_IT_IS
    )
    # A name of its own: the list of the next sample begins empty.
    answers.enum(f"other_{sample}", classes, view=choices(others, classes), on_change=panel.relabel)
    row = _row(root, "verdicts")
    for name, label, action in (
        ("previous", "Previous", panel.previous),
        ("keep", "Keep", panel.keep),
        ("drop", "Drop", panel.drop),
        ("clear", "Clear", panel.clear),
        ("open", "Open", panel.open_sample),
        ("next", "Next", panel.following),
    ):
        variant = "contained" if name in ("keep", "drop") else "outlined"
        off = name == "clear" and not shown["decision"]
        row.btn(
            name,
            label=label,
            on_click=action,
            variant=variant,
            disabled=off,
            componentsProps=AS_WIDE_AS_IT_IS,
        )


def _row(root: types.Object, name: str, gap: int = 1) -> types.Object:
    """Things side by side, which wrap in a narrow panel instead of widening it."""
    return root.grid(name, orientation="2d", gap=gap)


def _plot(
    root: types.Object, name: str, height: int, width: int | None = None, **kwargs: Any
) -> None:
    """A plot of its own height in pixels; FiftyOne's box around it is as high as the panel."""
    size = {"height": f"{height}px", **({"width": f"{width}px"} if width else {})}
    props = {"container": {"style": size}, "item": {"style": size}}
    root.plot(name, config=QUIET, componentsProps=props, **kwargs)


def bars(likeliest: list[tuple[str, float]], label: str) -> dict[str, Any]:
    """Plotly's bars of the likeliest classes; the one of the label is green."""
    names = [name for name, _ in likeliest]
    shares = [share for _, share in likeliest]
    return {
        "type": "bar",
        "orientation": "h",
        "x": shares,
        "y": names,
        "text": [f"{share:.1%}" for share in shares],
        "textposition": "outside",
        "marker": {"color": [GREEN if name == label else ORANGE for name in names]},
        "hoverinfo": "skip",
    }


def heatmap(pairs: Counter[tuple[str, str]]) -> dict[str, Any]:
    """Plotly's heatmap of the wrong pairs; the agreeing ones would outshine them."""
    names = sorted({name for pair in pairs for name in pair})
    counts = [[pairs[label, prediction] for prediction in names] for label in names]
    shown = [[n if i != j else None for j, n in enumerate(row)] for i, row in enumerate(counts)]
    return {
        "type": "heatmap",
        "x": names,
        "y": names,
        "z": shown,
        "text": [[str(n) if n else "" for n in row] for row in counts],
        "texttemplate": "%{text}",
        "colorscale": "Oranges",
        "showscale": False,
        "hovertemplate": "labelled %{y}, predicted %{x}: %{text}<extra></extra>",
        "xgap": 1,
        "ygap": 1,
    }
