"""Every kind of heat map, described once with Altair: who moved, digits, and the maps of sweeps."""

import json
from typing import Any

import altair as alt

from stages.rendering.charts import START, in_rows, on_page

# Moves from LEAST to MOST on a logarithmic scale, so that one that is huge leaves colours for all
# others; what is beyond an end has the colour of that end.
LEAST, MOST = 1e-4, 10
MOVES = alt.Scale(type="log", domain=[LEAST, MOST], clamp=True, range=["#eff5fb", "#4a98c9"])
SIZE = "format(datum.value, datum.value < 0.001 ? '.1~e' : '.3~g')"  # a move in few characters
STILL, UNKNOWN = "#ffd0b8", "#c8c8c8"  # not moved by one bit; not a number


def key(title: str | None, **where: Any) -> alt.Legend:
    """What the colours of moves mean."""
    ends = (
        f"datum.value <= {LEAST} ? '≤ ' + datum.label : datum.value >= {MOST} ? '≥ ' + datum.label"
    )
    return alt.Legend(
        title=title, values=[LEAST, 1e-3, 1e-2, 0.1, 1, MOST], format="~r",
        labelExpr=f"{ends} : datum.label", **where,
    )  # fmt: skip


def largest(chart: Any, column: str, *fields: str) -> Any:
    """A column's largest value by variant and `fields`."""
    chart = chart.transform_calculate(value=f"toNumber(datum.{column})")
    return chart.transform_aggregate(value="max(value)", groupby=["rev", "variant", *fields])


def cells(column: str, field: str, color: alt.Color, ink: Any, digits: str) -> alt.LayerChart:
    """A heat map of a column's largest value by variant and `field`, with its numbers in it."""
    squares = alt.Chart().mark_rect().encode(color=color)
    numbers = alt.Chart().mark_text(fontSize=10).encode(text="words:N", color=ink)
    chart = largest(alt.layer(squares, numbers), column, field)
    return chart.transform_calculate(words=f"format(datum.value, {digits})")


def moves(
    layers: list[str], words: str, legend: alt.Legend, *columns: str, **place: Any
) -> alt.LayerChart:
    """The largest move of every tensor, of any seed; what did not move at all is a red 0.

    `words` of a move in Vega's expressions; `columns` are kept, for what the pointer is told.
    """
    tensors = [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]
    square, known = alt.Chart().mark_rect(), "isValid(datum.value)"
    color = alt.Color("value:Q", scale=MOVES, legend=legend)
    moved = square.transform_filter("datum.value > 0").encode(color=color)
    still = square.transform_filter(f"{known} && datum.value == 0").encode(color=alt.value(STILL))
    unknown = square.transform_filter(f"!{known}").encode(color=alt.value(UNKNOWN))
    ink = alt.condition(f"{known} && datum.value == 0", alt.value("#8c2300"), alt.value("black"))
    numbers = alt.Chart().mark_text(fontSize=11).encode(text="words:N", color=ink)
    chart = largest(alt.layer(moved, still, unknown, numbers), "largest_move", "tensor", *columns)
    said = f"!{known} ? 'diverged' : datum.value == 0 ? '0' : {words}"
    chart = chart.transform_calculate(words=said)
    chart = chart.transform_filter(f"indexof({json.dumps(tensors)}, datum.tensor) >= 0")
    axis = alt.Axis(**{"labelAngle": -30} | place)
    return chart.encode(x=alt.X("tensor:O", sort=tensors, title=None, axis=axis))


# ---------------------------------------------------------------------------------- the page

SHORT = (
    "datum.value < 0.01 ? '.0e' : datum.value < 10 ? '.1~r' : '.0f'"  # where there is little room
)
LATE = "datum.moved_at > 1 ? '  @' + datum.moved_at : ''"
BELOW: dict[str, Any] = {
    "orient": "bottom",
    "direction": "horizontal",
    "gradientLength": alt.ExprRef("narrow ? 160 : 240"),
}
ABOVE: dict[str, Any] = {
    "orient": "top", "labelAngle": alt.ExprRef("narrow ? -90 : -30"), "labelAlign": "left",
    "labelBaseline": "middle", "labelLimit": 90, "labelPadding": 6, "ticks": False,
}  # fmt: skip


def who_moved(variants: list[str], layers: list[str]) -> alt.LayerChart:
    """Variants that have the same layers: moves, and the step of the first one."""
    words = f"narrow ? format(datum.value, {SHORT}) : {SIZE} + ({LATE})"
    title = "largest move (orange: none)"
    wide = {"gradientLength": alt.ExprRef("narrow ? 190 : 240")}  # its labels are longer
    chart = moves(layers, words, key(title, **BELOW | wide), "moved_at", **ABOVE)
    chart = chart.transform_calculate(
        first="toNumber(datum.moved_at) ? 'at step ' + datum.moved_at : 'never'",
        told=f"isValid(datum.value) ? {SIZE} : 'diverged'",
    )
    tips = [alt.Tooltip("told:N", title="largest move"), alt.Tooltip("first:N", title="first move")]
    chart = chart.transform_filter(f"(indexof({json.dumps(variants)}, datum.variant) >= 0)")
    chart = chart.encode(tooltip=[START, "tensor:N", *tips])
    return in_rows(chart, 21, len(variants), grid=False, around=140)


AROUND = 125  # pixels that a map's horizontal axis and its key take
MEAN = (
    "format(100 * datum.mean, '.1f') + ' % (' + format(100 * datum.least, '.1f') + ' to ' + "
    "format(100 * datum.most, '.1f') + ' %)'"
)
LEARN = "datum.learn + ' of ' + datum.seeds"
SHARE_OF_ALL = "format(datum.seeds * datum.mean, '.0f') + ' of ' + datum.seeds"
SCALE = "datum.depth_scale == 'inf' ? '∞' : format(datum.depth_scale, '.3~g')"


def heat_map(
    name: str, titles: tuple[str, str], names: tuple[list[str], list[str]], downward: bool,
    line: list[dict[str, float]], tips: dict[str, str],
) -> alt.LayerChart:  # fmt: skip
    """A map: a cell at every place (i, j), its mean in colour and in per cent, and theory's line.

    `names` of the places along both axes; `tips` by title what the pointer is told, in Vega's
    expressions.
    """

    def axis(place: int) -> dict[str, Any]:
        count = len(names[place])
        words = [word.split("\n") for word in names[place]]
        labels = alt.Axis(
            values=list(range(count)), labelExpr=f"{json.dumps(words)}[datum.value]", grid=False,
            ticks=False, domain=False, labelPadding=6, labelLimit=160,
        )  # fmt: skip
        ends = [-0.5, count - 0.5]
        scale = alt.Scale(domain=ends[::-1] if place and downward else ends, nice=False)
        return {"type": "quantitative", "axis": labels, "scale": scale, "title": titles[place]}

    cell = alt.Chart().transform_filter(f"datum.map == {json.dumps(name)}")
    cell = cell.transform_calculate(
        left="toNumber(datum.i) - 0.5", right="toNumber(datum.i) + 0.5",
        top="toNumber(datum.j) - 0.5", bottom="toNumber(datum.j) + 0.5",
        value="toNumber(datum.mean)", words="format(100 * datum.mean, '.0f')",
    )  # fmt: skip
    told = {f"tip{k}": expression for k, expression in enumerate(tips.values())}
    scale, legend = alt.Scale(scheme="viridis", domain=[0, 1]), alt.Legend(format=".0%", **BELOW)
    squares = cell.transform_calculate(**told).mark_rect().encode(
        x=alt.X("left", **axis(0)), x2="right", y=alt.Y("top", **axis(1)), y2="bottom",
        color=alt.Color("value:Q", title=None, scale=scale, legend=legend),
        tooltip=[alt.Tooltip(f"{k}:N", title=title) for k, title in zip(told, tips, strict=True)],
    )  # fmt: skip
    ink = alt.condition("datum.value < 0.6", alt.value("white"), alt.value("black"))
    numbers = cell.mark_text(fontSize=11).encode(
        x=alt.X("i", **axis(0)), y=alt.Y("j", **axis(1)), text="words:N", color=ink
    )
    layers = [squares, numbers]
    if line:
        theory = alt.Chart(alt.InlineData(line)).mark_line(color="white")
        last = max(point["multiple"] for point in line)
        thick = alt.condition(f"datum.multiple == {last}", alt.value(3), alt.value(1))
        layers.append(
            theory.encode(
                x=alt.X("i", **axis(0)), y=alt.Y("j", **axis(1)), strokeWidth=thick,
                detail=["multiple:N", "side:N"], order="i:Q",
            )
        )  # fmt: skip
    return on_page(alt.layer(*layers), 34 * len(names[1]) + AROUND, narrow=False)
