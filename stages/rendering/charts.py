"""Every kind of chart, described once with Altair, and the page's charts made from them.

On the page all variants lie in one panel, each in its own look. Its script sets the params:
`looks` by variant, which of them are `shown`, which stand out (`alone`), the `last` epoch or
layer, the `span` of the vertical axis, the `marked` epoch, which rows a link is `about`, whether
the screen is `narrow`. tools/templates.py makes what `dvc plots` draws from the same kinds. Heat
maps are in heat_charts.py.
"""

from dataclasses import dataclass, replace
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
# Other variants than this stand out, or none do.
OUT = "!length(alone) || indexof(alone, datum.variant) >= 0"


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
        # A label stands below its tick at both ends, too.
        whole = "datum.value % 1 ? '' : format(datum.value, 'd')"
        axis = alt.Axis(tickCount=5, labelExpr=whole, labelFlush=False)
        return alt.X("x:Q", title=self.x_title, axis=axis, scale=alt.Scale(**scale))


SHARE = {"axis": alt.Axis(format=".1~%", tickCount=5), "scale": alt.Scale(domain=[0, 1])}
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
WIDTH = "' of ' + looks[datum.variant].width"
DISTINCT = f"format(datum.mean * looks[datum.variant].width, '.4~g') + {WIDTH}"
DISTINCTS = (
    "'the seeds part ways, ' + format(datum.least * looks[datum.variant].width, '.4~g') + ' to ' + "
    f"format(datum.most * looks[datum.variant].width, '.4~g') + {WIDTH}"
)
CURVES = {
    "learning_curves": Curve(
        "test_acc", {"title": "Test accuracy"} | SHARE, ESTIMATE, SHARES, "interval"
    ),
    "dead_units": Curve(
        "dead_fraction", {"title": "Dead units"} | SHARE, ESTIMATE, SHARES, "interval"
    ),
    "distinct_units": Curve(
        "distinct", {"title": "Distinct units of fc1"} | SHARE, DISTINCT, DISTINCTS, "extremes"
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
    axis, scale = alt.Axis(format=".0%", labelFlush=False), alt.Scale(domain=[0, 1])
    x = alt.X("test_acc:Q", title="Test accuracy", axis=axis, scale=scale)
    dots = alt.Chart().mark_circle(opacity=0.7, size=26)
    dots = dots.encode(x=x, tooltip=[*tips, "seed:N", alt.Tooltip("test_acc:Q", format=".2%")])
    ticks = told_apart(alt.Chart().mark_tick(thickness=2, size=11))
    ticks = ticks.transform_filter("!datum.parted")
    mean = alt.Tooltip("mean(test_acc):Q", format=".2%", title="mean")
    return alt.layer(dots, ticks.encode(x="mean(test_acc):Q", tooltip=[*tips, mean]))


# ---------------------------------------------------------------------------------- the page


def overlaid(
    curve: Curve,
    quantity: str | None = None,
    marked: bool = False,
    span: tuple[float, float] | None = None,
) -> alt.LayerChart:
    """All shown variants in one panel; seeds that part ways are drawn one by one.

    `quantity` is the one of the table to draw, beside what theory says; `marked` adds a line at
    the epoch of the page's slider; a `span` is where the vertical axis ends until the page says
    otherwise.
    """
    if span:
        curve = reaching(curve)
    dash = alt.Undefined if quantity else alt.StrokeDash("dash:N", scale=None)
    # A mark at an end of the axis is whole, but where the axis shows a part.
    clip = alt.ExprRef("span[0] > 0") if span and not quantity else alt.Undefined
    points = alt.OverlayMarkDef(size=40, clip=clip)
    line = alt.Chart().mark_line(strokeWidth=2, point=points, clip=clip)
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
    chart = numbered(chart, curve).transform_filter("datum.x <= last").transform_calculate(**LOOKS)
    height = 260 if quantity else 320
    spans = {"span": list(span)} if span else {}
    return on_page(chart, height, looks={}, shown=[], alone=[], last=1, marked=0, **spans)


def reaching(curve: Curve) -> Curve:
    """A curve whose vertical axis goes as far as the page's `span`."""
    scale = curve.axis["scale"].copy()
    scale["domain"] = alt.ExprRef("span")
    return replace(curve, axis=curve.axis | {"scale": scale})


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
    """`count` rows, a variant each; all of a row tells how it ends: a dot is small for a finger."""
    end = alt.Tooltip("ends:N", title="at the end")
    row = alt.Chart().mark_bar(opacity=0, size=17)
    row = row.transform_aggregate(seeds="count()", groupby=["variant", "label"])
    row = row.transform_calculate(ends="looks[datum.variant].accuracy", left="0", right="1")
    row = row.encode(x=alt.X("left:Q", stack=None), x2="right", tooltip=[START, end])
    return in_rows(alt.layer(row, *values([START]).layer), 17, count, grid=True, around=50)


def in_rows(chart: Any, height: int, count: int, grid: bool, around: int) -> alt.LayerChart:
    """A chart with a row for every variant, beside its label; the axes take pixels `around`."""
    bold = alt.condition("indexof(about, datum.value) >= 0", alt.value("bold"), alt.value("normal"))
    axis = alt.Axis(
        grid=grid, labelExpr="looks[datum.value].label", labelFontWeight=bold,
        labelLimit=alt.ExprRef("narrow ? 115 : 240"),
    )  # fmt: skip
    chart = chart.encode(y=alt.Y("variant:N", sort=None, title=None, axis=axis))
    chart = chart.transform_calculate(label=LOOKS["label"])
    return on_page(chart, height * count + around, looks={}, about=[], narrow=False)


def on_page(chart: Any, height: int, **values: Any) -> alt.LayerChart:
    """A chart with params, and what they are until the page sets them."""
    params = [alt.param(name=name, value=value) for name, value in values.items()]
    chart = chart.properties(data=alt.NamedData("table"), width="container", height=height)
    return chart.add_params(*params)
