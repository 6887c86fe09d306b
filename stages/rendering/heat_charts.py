"""Every kind of heat map, described once with Altair: moves of tensors, and the maps of sweeps."""

import json
from typing import Any

import altair as alt

from stages.analysis.maps import MULTIPLE, Map
from stages.rendering import style
from stages.rendering.charts import LABEL, in_rows, on_page

# Moves from LEAST to MOST on a logarithmic scale, so that a huge one leaves colours for the others.
# Moves beyond an end have the colour of that end.
LEAST, MOST = 1e-4, 10
MOVES = alt.Scale(type="log", domain=[LEAST, MOST], clamp=True, range=["#eff5fb", "#4a98c9"])
SIZE = "format(datum.value, datum.value < 0.001 ? '.1~e' : '.3~g')"  # a move in few characters
STILL, UNKNOWN = "#ffd0b8", "#c8c8c8"  # unchanged; not a number
SHARES: dict[str, Any] = {"title": None, "scale": alt.Scale(scheme="viridis", domain=[0, 1])}
ON_SHARES = alt.condition("datum.value < 0.6", alt.value("white"), alt.value("black"))


def key(title: str | None, **where: Any) -> alt.Legend:
    """The key to the colours of moves."""
    ends = (
        f"datum.value <= {LEAST} ? '≤ ' + datum.label : datum.value >= {MOST} ? '≥ ' + datum.label"
    )
    return alt.Legend(
        title=title, values=[LEAST, 1e-3, 1e-2, 0.1, 1, MOST], format="~r",
        labelExpr=f"{ends} : datum.label", **where,
    )  # fmt: skip


def numbers(ink: Any) -> alt.Chart:
    """The `words` of every cell, in the colour `ink`."""
    return alt.Chart().mark_text(fontSize=11).encode(text="words:N", color=ink)


def moves(
    layers: list[str], words: str, legend: alt.Legend, *columns: str, **place: Any
) -> alt.LayerChart:
    """The largest move of every tensor, over all seeds; a red 0 if it did not move at all.

    `words` is Vega's expression for a move; `columns` are kept for tooltips.
    """
    tensors = [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]
    square, known = alt.Chart().mark_rect(), "isValid(datum.value)"
    color = alt.Color("value:Q", scale=MOVES, legend=legend)
    moved = square.transform_filter("datum.value > 0").encode(color=color)
    still = square.transform_filter(f"{known} && datum.value == 0").encode(color=alt.value(STILL))
    unknown = square.transform_filter(f"!{known}").encode(color=alt.value(UNKNOWN))
    ink = alt.condition(f"{known} && datum.value == 0", alt.value("#8c2300"), alt.value("black"))
    shown = f"!{known} ? 'diverged' : datum.value == 0 ? '0' : {words}"
    axis = alt.Axis(**{"labelAngle": -30} | place)
    return (
        alt.layer(moved, still, unknown, numbers(ink))
        .transform_filter(f"indexof({json.dumps(tensors)}, datum.tensor) >= 0")
        .transform_calculate(value="toNumber(datum.largest_move)")
        .transform_aggregate(value="max(value)", groupby=["rev", "variant", "tensor", *columns])
        .transform_calculate(words=shown)
        .encode(x=alt.X("tensor:O", sort=tensors, title=None, axis=axis))
    )


# ---------------------------------------------------------------------------------- the page

SHORT = "datum.value < 0.01 ? '.0e' : datum.value < 10 ? '.1~r' : '.0f'"  # on a narrow screen
LATE = "datum.moved_at > 1 ? '  @' + datum.moved_at : ''"
BELOW: dict[str, Any] = {
    "orient": "bottom", "direction": "horizontal",
    "gradientLength": alt.ExprRef("narrow ? 160 : 240"),
}  # fmt: skip
ABOVE: dict[str, Any] = {
    "orient": "top", "labelAngle": alt.ExprRef("narrow ? -90 : -30"), "labelAlign": "left",
    "labelBaseline": "middle", "labelLimit": 90, "labelPadding": 6, "ticks": False,
}  # fmt: skip


def who_moved(variants: list[str], layers: list[str]) -> alt.LayerChart:
    """Moves in variants that have the same layers, and the step of the first one."""
    words = f"narrow ? format(datum.value, {SHORT}) : {SIZE} + ({LATE})"
    wide = {"gradientLength": alt.ExprRef("narrow ? 190 : 240")}  # its labels are longer
    legend = key("largest move (orange: none)", **BELOW | wide)
    chart = moves(layers, words, legend, "moved_at", **ABOVE).transform_calculate(
        largest=f"isValid(datum.value) ? {SIZE} : 'diverged'",
        first="toNumber(datum.moved_at) ? 'at step ' + datum.moved_at : 'never'",
    )
    tips = [alt.Tooltip(f"{field}:N", title=f"{field} move") for field in ("largest", "first")]
    chart = chart.transform_filter(f"(indexof({json.dumps(variants)}, datum.variant) >= 0)")
    chart = chart.encode(tooltip=[LABEL, "tensor:N", *tips])
    return in_rows(chart, 21, len(variants), grid=False, around=140)


AROUND = 125  # pixels of a map's horizontal axis and key
MEAN = (
    "format(100 * datum.mean, '.1f') + ' % (' + format(100 * datum.least, '.1f') + ' to ' + "
    "format(100 * datum.most, '.1f') + ' %)'"
)
LEARN = "datum.learn + ' of ' + datum.seeds"
SHARE_OF_ALL = "format(datum.seeds * datum.mean, '.0f') + ' of ' + datum.seeds"
SCALE = "datum.depth_scale == 'inf' ? '∞' : format(datum.depth_scale, '.3~g')"


def heat_map(one: Map, x_title: str, y_title: str, tips: dict[str, str]) -> alt.LayerChart:
    """A map: the mean of every cell as colour and in per cent, and theory's lines.

    `tips` are the tooltips by title, as Vega's expressions.
    """
    x = _axis(x_title, one.marked_names(), downward=False)
    y = _axis(y_title, one.y.names, downward=bool(one.y.labels))
    at: dict[str, Any] = {"x": alt.X("i", **x), "y": alt.Y("j", **y)}
    columns = {f"tip{i}": expression for i, expression in enumerate(tips.values())}
    legend = alt.Legend(format=".0%", values=[0, 0.5, 1], **BELOW)
    squares = alt.Chart().mark_rect().encode(
        x=alt.X("left", **x), x2="right", y=alt.Y("top", **y), y2="bottom",
        color=alt.Color("value:Q", legend=legend, **SHARES),
        tooltip=[alt.Tooltip(f"tip{i}:N", title=title) for i, title in enumerate(tips)],
    )  # fmt: skip
    number = numbers(ON_SHARES).encode(**at)
    layers = [squares, number]
    if one.depth_lines:
        theory = alt.Chart(alt.InlineData(one.depth_lines)).mark_line(color="white")
        thick = alt.condition(f"datum.multiple == {MULTIPLE}", alt.value(3), alt.value(1))
        detail = ["multiple:N", "side:N"]
        theory = theory.encode(**at, strokeWidth=thick, detail=detail, order="i:Q")
        # Outlines in the cell's colour keep the numbers legible on the lines.
        stroke = alt.ExprRef("scale('color', datum.value)")
        outlines = number.mark_text(fontSize=11, stroke=stroke, strokeWidth=6, aria=False)
        layers = [squares, theory, outlines, number]
    chart = alt.layer(*layers).transform_filter(f"datum.map == {json.dumps(one.name)}")
    chart = chart.transform_calculate(
        left="toNumber(datum.i) - 0.5", right="toNumber(datum.i) + 0.5",
        top="toNumber(datum.j) - 0.5", bottom="toNumber(datum.j) + 0.5",
        value="toNumber(datum.mean)", words="format(100 * datum.mean, '.0f')", **columns,
    )  # fmt: skip
    return on_page(chart, 34 * len(one.y.names) + AROUND, narrow=False)


def _axis(title: str, names: list[str], downward: bool) -> dict[str, Any]:
    """An axis with a name at each of the places 0, 1, …, as an encoding's options."""
    lines = json.dumps([[style.shortened(x, 24) for x in name.splitlines()] for name in names])
    labels = alt.Axis(
        values=list(range(len(names))), labelExpr=f"{lines}[datum.value]", labelLimit=170,
        labelPadding=6, grid=False, ticks=False, domain=False,
    )  # fmt: skip
    ends = [-0.5, len(names) - 0.5]
    scale = alt.Scale(domain=ends[::-1] if downward else ends, nice=False)
    return {"type": "quantitative", "axis": labels, "scale": scale, "title": title}
