"""Every kind of chart, described once with Altair, and the page's charts made from them.

On the page all variants lie in one panel, each in its own look. Its script sets the params:
`looks` by variant, which of them are `shown`, which stands out (`alone`), the `last` epoch or
layer, the `marked` epoch, whether the screen is `narrow`. tools/templates.py makes what
`dvc plots` draws from the same kinds.
"""

import json
from dataclasses import dataclass
from typing import Any

import altair as alt

alt.theme.enable("none")
alt.data_transformers.consolidate_datasets = False

# Student's t for 95 %, by how many values there are; from 12 on by its expansion at infinity.
STUDENT = (
    "datum.seeds < 2 ? 0 : datum.seeds < 12 ? [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, "
    "2.306, 2.262, 2.228][datum.seeds - 2] : 1.96 + 2.372 / (datum.seeds - 1) + 2.823 / "
    "pow(datum.seeds - 1, 2)"
)
LOOKS = {key: f"looks[datum.variant].{key}" for key in ("label", "color", "dash", "shape")}
START = alt.Tooltip("label:N", title="start")
# Another variant than this stands out, or none does.
OUT = "!alone || alone == datum.variant"


@dataclass(frozen=True)
class Curve:
    """A quantity by epoch or by layer: columns `x` and `y` of a table, and how they are drawn.

    `axis` is the vertical one. `told` is a Vega expression: what the pointer is told of a curve
    at a point, and `told_parted` where its seeds part ways. The band is Student's `interval`, the
    `extremes` of the seeds, or none where the table has means alone. A variant has a curve for
    every value of the column `by`.
    """

    y: str
    axis: dict[str, Any]
    told: str
    told_parted: str
    band: str | None
    x: str = "epoch"
    x_title: str = "Epoch"
    first: int = 0
    by: str | None = None

    def at_y(self, field: str) -> alt.Y:
        return alt.Y(field, type="quantitative", **self.axis)

    def at_x(self, **scale: Any) -> alt.X:
        axis = alt.Axis(tickCount=5, labelExpr="datum.value % 1 ? '' : datum.label")
        return alt.X("x:Q", title=self.x_title, axis=axis, scale=alt.Scale(**scale))


SHARE = {"axis": alt.Axis(format=".0%", tickCount=5), "scale": alt.Scale(domain=[0, 1])}
ESTIMATE = (
    "format(100 * datum.mean, '.2f') + ' %' + (datum.seeds < 2 ? '' : ' (' + "
    "format(100 * datum.low, '.2f') + ' to ' + format(100 * datum.high, '.2f') + ')')"
)
SHARES = (
    "'the seeds part ways, ' + format(100 * datum.least, '.2f') + ' to ' + "
    "format(100 * datum.most, '.2f') + ' %'"
)
GAPS = "'the seeds part ways, ' + format(datum.least, '.3~g') + ' to ' + format(datum.most, '.3~g')"
GAP = {
    "title": "Symmetry gap of fc1",
    "axis": alt.Axis(values=[0, 1e-5, 1e-3, 0.1, 2], format="~g"),
    "scale": alt.Scale(type="symlog", constant=1e-5, domain=[0, 2.2]),
}
DEVIATION = {
    "title": "Standard deviation",
    "axis": alt.Axis(format=".0e", tickCount=5),
    "scale": alt.Scale(type="log"),
}
CURVES = {
    "learning_curves": Curve(
        "test_acc", {"title": "Test accuracy"} | SHARE, ESTIMATE, SHARES, "interval"
    ),
    "dead_units": Curve(
        "dead_fraction", {"title": "Dead units"} | SHARE, ESTIMATE, SHARES, "interval"
    ),
    "symmetry_gap": Curve("symmetry_gap", GAP, "format(datum.mean, '.3~g')", GAPS, "extremes"),
    "depth": Curve(
        "std", DEVIATION, "format(datum.mean, datum.mean < 0.001 ? '.2~e' : '.3~g')", "''", None,
        x="depth", x_title="Hidden layer", first=1, by="quantity",
    ),
}  # fmt: skip
# What the page's own training writes: a start and a split is a variant there.
TRIED = Curve(
    "accuracy", {"title": "Accuracy"} | SHARE, "format(100 * datum.mean, '.1f') + ' %'", "''", None,
    x="step", x_title="Step",
)  # fmt: skip


def told_apart(chart: Any) -> Any:
    """Whether the seeds of a variant part ways or diverge, as `parted`: they have no mean."""
    chart = chart.transform_joinaggregate(ends="distinct(end)", groupby=["rev", "variant"])
    return chart.transform_calculate(parted="datum.ends > 1 || datum.end == 'diverges'")


def numbered(chart: Any, curve: Curve) -> Any:
    """The rows of a table with numbers `x` and `y`, and their `position`.

    `apart` is the seed where seeds part ways, and else the same for all of them.
    """
    numbers = {"x": f"toNumber(datum.{curve.x})", "y": f"toNumber(datum.{curve.y})"}
    numbers["apart"] = "datum.parted ? datum.seed : 'all'"
    chart = chart.transform_window(position="row_number()", groupby=["rev"])
    chart = told_apart(chart).transform_calculate(**numbers)
    return chart if curve.band else chart.transform_filter("datum.y > 0")  # on a log scale


def summarized(chart: Any, curve: Curve, *columns: str) -> Any:
    """Numbered rows as one for every place of every curve; `columns` are kept.

    Where seeds part ways and the column `apart` is kept, every seed is a curve.

    `place` puts panels into the order of the table: those of a wrapped facet know no other.
    """
    groups = ["rev", "variant", "parted", *([curve.by] if curve.by else []), "x", *columns]
    chart = chart.transform_aggregate(
        place="min(position)", mean="mean(y)", deviation="stdev(y)", seeds="valid(y)",
        least="min(y)", most="max(y)", groupby=groups,
    ).transform_joinaggregate(place="min(place)", groupby=["variant"])  # fmt: skip
    if curve.band != "interval":
        return chart.transform_calculate(low="datum.least", high="datum.most")
    half = f"datum.seeds < 2 ? 0 : ({STUDENT}) * datum.deviation / sqrt(datum.seeds)"
    chart = chart.transform_calculate(half=half)
    # Of a share, which no interval can lead out of its range.
    return chart.transform_calculate(
        low="max(0, datum.mean - datum.half)", high="min(1, datum.mean + datum.half)"
    )


def banded(curve: Curve, line: alt.Chart, area: alt.Chart) -> alt.LayerChart:
    """The mean of every curve, above its band."""
    area, line = area.encode(y=curve.at_y("low"), y2="high"), line.encode(y=curve.at_y("mean"))
    return alt.layer(*([area] if curve.band else []), line)


def values(tips: list) -> alt.LayerChart:
    """Test accuracies: a dot for every seed, a tick for their mean where they have one."""
    axis, scale = alt.Axis(format=".0%"), alt.Scale(domain=[0, 1])
    x = alt.X("test_acc:Q", title="Test accuracy", axis=axis, scale=scale)
    dots = alt.Chart().mark_circle(opacity=0.7, size=26)
    dots = dots.encode(x=x, tooltip=[*tips, "seed:N", alt.Tooltip("test_acc:Q", format=".2%")])
    ticks = told_apart(alt.Chart().mark_tick(thickness=2, size=11))
    ticks = ticks.transform_filter("!datum.parted")
    mean = alt.Tooltip("mean(test_acc):Q", format=".2%", title="mean")
    return alt.layer(dots, ticks.encode(x="mean(test_acc):Q", tooltip=[*tips, mean]))


def cells(column: str, field: str, color: alt.Color, ink: Any, digits: str) -> alt.LayerChart:
    """A heat map of a column's largest value by variant and `field`, with its numbers in it."""
    squares = alt.Chart().mark_rect().encode(color=color)
    numbers = alt.Chart().mark_text(fontSize=10).encode(text="words:N", color=ink)
    chart = alt.layer(squares, numbers).transform_calculate(value=f"toNumber(datum.{column})")
    chart = chart.transform_aggregate(value="max(value)", groupby=["rev", "variant", field])
    return chart.transform_calculate(words=f"format(datum.value, {digits})")


def moves(layers: list[str], digits: str, legend: Any, **place: Any) -> alt.LayerChart:
    """The largest move of every tensor, of any seed; what did not move at all is a red 0."""
    tensors = [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]
    scale = alt.Scale(type="sqrt", range=["#f3f8fc", "#6baed6"])
    color = alt.Color("value:Q", title="largest move", scale=scale, legend=legend)
    ink = alt.condition("datum.value == 0", alt.value("#a33c00"), alt.value("black"))
    chart = cells("largest_move", "tensor", color, ink, digits)
    chart = chart.transform_filter(f"indexof({json.dumps(tensors)}, datum.tensor) >= 0")
    axis = alt.Axis(labelAngle=-30, **place)
    return chart.encode(x=alt.X("tensor:O", sort=tensors, title=None, axis=axis))


def within(variants: list[str]) -> str:
    return f"(indexof({json.dumps(variants)}, datum.variant) >= 0)"


# ---------------------------------------------------------------------------------- the page


def overlaid(curve: Curve, quantity: str | None = None, marked: bool = False) -> alt.LayerChart:
    """All shown variants in one panel; seeds that part ways are drawn one by one.

    `quantity` is the one of the table to draw, beside what theory says; `marked` adds a line at
    the epoch of the page's slider.
    """
    dash = alt.Undefined if quantity else alt.StrokeDash("dash:N", scale=None)
    line = alt.Chart().mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=40))
    line = line.encode(strokeDash=dash, shape=alt.Shape("shape:N", scale=None))
    # The band is faint, and fainter where another variant stands out.
    faint = alt.condition(OUT, alt.value(0.2), alt.value(0.02))
    means = banded(curve, line, alt.Chart().mark_area(clip=True).encode(opacity=faint))
    layers = [summarized(means, curve, "apart", *LOOKS)]
    if quantity:
        theory = alt.Chart().mark_line(strokeWidth=1.5, strokeDash=[5, 4])
        theory = theory.transform_calculate(theory="toNumber(datum.theory)")
        theory = theory.transform_filter("datum.theory > 0").encode(y=curve.at_y("theory"))
        layers.append(theory)
    if marked:
        rule = alt.Chart(alt.InlineData([{}])).transform_calculate(x="marked")
        rule = rule.mark_rule(strokeWidth=2, strokeDash=[3, 3])
        layers.append(rule.encode(color=alt.value("gray")))
    chart = alt.layer(*layers, at_pointer(curve)).encode(
        # Given, since in a layer that has nothing to draw there is none to be seen.
        x=curve.at_x(domain=alt.ExprRef(f"[{curve.first}, last]"), zero=False, nice=False),
        color=alt.Color("color:N", scale=None), detail=["variant:N", "apart:N"],
        opacity=alt.condition(OUT, alt.value(1), alt.value(0.08)),
    )  # fmt: skip
    chart = chart.transform_filter("indexof(shown, datum.variant) >= 0")
    if quantity:
        chart = chart.transform_filter(f"datum.quantity == '{quantity}'")
    chart = numbered(chart, curve).transform_calculate(**LOOKS)
    height = 260 if quantity else 320
    return on_page(chart, height, looks={}, shown=[], alone=None, last=1, marked=0)


def at_pointer(curve: Curve) -> alt.Chart:
    """A line at the place nearest to the pointer, that tells what all the curves are there."""
    nearest = alt.selection_point(
        name="at", encodings=["x"], nearest=True, on="pointerover", clear="pointerout"
    )
    # What the pointer meets is a cell around the line, and the cell's datum is the line.
    met = "(datum.datum || datum)"
    tip = f"{{'{curve.x_title}': {met}.x, '{curve.axis['title']}': {met}.words}}"
    words = f"datum.label + ': ' + (datum.parted ? {curve.told_parted} : {curve.told})"
    there = alt.AggregatedFieldDef(op="values", **{"as": "curves"})
    # Named, since else Altair counts all the charts that it has named.
    rule = alt.Chart(name="pointer").mark_rule(strokeWidth=1).transform_filter(OUT)
    return (
        summarized(rule, curve, "label")
        .transform_calculate(words=words)
        .transform_aggregate([there], groupby=["x"])
        .transform_calculate(words="join(pluck(datum.curves, 'words'), '\\n')")
        .encode(
            color=alt.value("gray"), tooltip=alt.value(alt.ExprRef(tip)),
            opacity=alt.condition(nearest, alt.value(0.7), alt.value(0), empty=False),
        )
        .add_params(nearest)
    )  # fmt: skip


def final_accuracies(count: int) -> alt.LayerChart:
    """`count` rows, a variant each."""
    return in_rows(values([START]), 17, count, grid=True, looks={})


def who_moved(variants: list[str], layers: list[str]) -> alt.LayerChart:
    """Variants that have the same layers."""
    chart = moves(layers, "narrow ? '.1~g' : '.3~g'", None, orient="top")
    move = alt.Tooltip("value:Q", title="largest move", format=".3~g")
    chart = chart.transform_filter(within(variants)).encode(tooltip=[START, "tensor:N", move])
    return in_rows(chart, 21, len(variants), grid=False, looks={}, narrow=False)


AROUND = 70  # pixels that the axis below a map takes
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
    scale = alt.Scale(scheme="viridis", domain=[0, 1])
    squares = cell.transform_calculate(**told).mark_rect().encode(
        x=alt.X("left", **axis(0)), x2="right", y=alt.Y("top", **axis(1)), y2="bottom",
        color=alt.Color("value:Q", scale=scale, legend=None),
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
    return on_page(alt.layer(*layers), 34 * len(names[1]) + AROUND)


def in_rows(chart: Any, height: int, count: int, grid: bool, **params: Any) -> alt.LayerChart:
    """A chart with a row for every variant, beside its label."""
    axis = alt.Axis(grid=grid, labelExpr="looks[datum.value].label")
    chart = chart.encode(y=alt.Y("variant:N", sort=None, title=None, axis=axis))
    chart = chart.transform_calculate(label=LOOKS["label"])
    return on_page(chart, height * count, **params)


def on_page(chart: Any, height: int, **values: Any) -> alt.LayerChart:
    """A chart with params, and what they are until the page sets them."""
    params = [alt.param(name=name, value=value) for name, value in values.items()]
    chart = chart.properties(data=alt.NamedData("table"), width="container", height=height)
    return chart.add_params(*params)
