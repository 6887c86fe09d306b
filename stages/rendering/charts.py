"""Every kind of chart, described once with Altair, and the page's charts made from them.

The page's script sets the params: `looks` by variant, the variants that are `shown`, stand out
(`alone`) or that a link is `about`, the `last` epoch or layer, the `span` of the vertical axis, the
`marked` epoch, and whether the screen is `narrow`. tools/templates.py has more for `dvc plots`.
"""

from dataclasses import dataclass, replace
from typing import Any

import altair as alt
from altair.utils import schemapi

alt.theme.enable("none")
alt.data_transformers.consolidate_datasets = False
# The tests validate all charts; here it would take a sixth of the report's time.
schemapi.disable_debug_mode()

# Student's t for 95 %, for 2 or more values; from 12 on by its expansion at infinity.
STUDENT = (
    "(datum.seeds < 12 ? [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]"
    "[datum.seeds - 2] : 1.96 + 2.372 / (datum.seeds - 1) + 2.823 / pow(datum.seeds - 1, 2))"
)
LOOKS = {key: f"looks[datum.variant].{key}" for key in ("label", "color", "dash", "shape")}
LABEL = alt.Tooltip("label:N", title="variant")
PROMINENT = "!length(alone) || indexof(alone, datum.variant) >= 0"


@dataclass(frozen=True)
class Curve:
    """A quantity by epoch or by layer: columns `x` and `y` of a table, and how they are drawn.

    `number` formats a value, and `unit` follows it, as Vega's expressions. The band is Student's
    `interval`, the seeds' `extremes`, or none. A variant has a curve for every value of `by`.
    """

    y: str
    title: str
    axis: dict[str, Any]
    number: str
    unit: str
    band: str | None = None
    x: str = "epoch"
    x_title: str = "Epoch"
    first: int = 0
    by: str | None = None

    def at_y(self, field: str) -> alt.Y:
        return alt.Y(field, type="quantitative", title=self.title, **self.axis)

    def at_x(self, **scale: Any) -> alt.X:
        # Without labelFlush a label stands below its tick at both ends, too.
        whole = "datum.value % 1 ? '' : format(datum.value, 'd')"
        axis = alt.Axis(tickCount=5, labelExpr=whole, labelFlush=False)
        return alt.X("x:Q", title=self.x_title, axis=axis, scale=alt.Scale(**scale))

    def tip(self) -> str:
        """The values of a curve at a place, as Vega's expression."""
        mean, low, high, least, most = (
            self.number.format(f"datum.{name}") for name in ("mean", "low", "high", "least", "most")
        )
        inside = f" + (datum.seeds < 2 ? '' : ' (' + {low} + ' to ' + {high} + ')')"
        estimate = f"{mean} + {self.unit}" + (inside if self.band == "interval" else "")
        apart = f"'the seeds disagree, ' + {least} + ' to ' + {most} + {self.unit}"
        return f"datum.disagree ? {apart} : {estimate}"


SHARE = {"axis": alt.Axis(format=".1~%", tickCount=5), "scale": {"domain": [0, 1]}}
PERCENT = ("format(100 * {}, '.2f')", "' %'")
GAP = {
    "axis": alt.Axis(values=[0, 1e-5, 1e-3, 0.1, 2], format="~g"),
    "scale": {"type": "symlog", "constant": 1e-5, "domain": [0, 2.2]},
}
DEVIATION = {"axis": alt.Axis(format=".0e", tickCount=5), "scale": {"type": "log"}}
UNITS = ("format({} * looks[datum.variant].width, '.4~g')", "' of ' + looks[datum.variant].width")
CURVES = {
    "learning_curves": Curve("test_acc", "Test accuracy", SHARE, *PERCENT, "interval"),
    "dead_units": Curve("dead_fraction", "Dead units", SHARE, *PERCENT, "interval"),
    "distinct_units": Curve("distinct", "Distinct units of fc1", SHARE, *UNITS, "extremes"),
    "symmetry_gap": Curve(
        "symmetry_gap", "Symmetry gap of fc1", GAP, "format({}, '.3~g')", "''", "extremes"
    ),
    "depth": Curve(
        "std", "Standard deviation", DEVIATION, "format({0}, {0} < 0.001 ? '.2~e' : '.3~g')", "''",
        x="depth", x_title="Hidden layer", first=1, by="quantity",
    ),
}  # fmt: skip
# The table that training in the page writes, where an initialization and a split is a variant.
TENTHS = ("format(100 * {}, '.1f')", "' %'")
TRIED = Curve("accuracy", "Accuracy", SHARE, *TENTHS, x="step", x_title="Step")


def with_agreement(chart: Any) -> Any:
    """Add `disagree`: whether the seeds of a variant disagree or diverge, and so have no mean."""
    chart = chart.transform_joinaggregate(ends="distinct(end)", groupby=["rev", "variant"])
    return chart.transform_calculate(disagree="datum.ends > 1 || datum.end == 'diverges'")


def numbered(chart: Any, curve: Curve) -> Any:
    """Add the numbers `x` and `y`, the row's `position`, and `which` seed's curve it belongs to.

    Seeds that disagree have a curve each, all others one in common.
    """
    numbers = {"x": f"toNumber(datum.{curve.x})", "y": f"toNumber(datum.{curve.y})"}
    numbers["which"] = "datum.disagree ? datum.seed : 'all'"
    chart = chart.transform_window(position="row_number()", groupby=["rev"])
    chart = with_agreement(chart).transform_calculate(**numbers)
    return chart if curve.band else chart.transform_filter("datum.y > 0")  # on a log scale


def summarized(chart: Any, curve: Curve, *columns: str) -> Any:
    """One row for every place of every curve, from numbered rows; keeps `columns`.

    `place` is the variant's place in the table: the panels of a wrapped facet have no other order.
    """
    groups = ["rev", "variant", "disagree", *([curve.by] if curve.by else []), "x", *columns]
    chart = chart.transform_aggregate(
        place="min(position)", mean="mean(y)", deviation="stdev(y)", seeds="valid(y)",
        least="min(y)", most="max(y)", groupby=groups,
    ).transform_joinaggregate(place="min(place)", groupby=["variant"])  # fmt: skip
    if curve.band != "interval":
        return chart.transform_calculate(low="datum.least", high="datum.most")
    half = f"datum.seeds < 2 ? 0 : {STUDENT} * datum.deviation / sqrt(datum.seeds)"
    # Every quantity with an interval is a share.
    return chart.transform_calculate(half=half).transform_calculate(
        low="max(0, datum.mean - datum.half)", high="min(1, datum.mean + datum.half)"
    )


def banded(curve: Curve, line: alt.Chart, area: alt.Chart) -> alt.LayerChart:
    """The mean of every curve, above its band."""
    band = [area.encode(y=curve.at_y("low"), y2="high")] if curve.band else []
    return alt.layer(*band, line.encode(y=curve.at_y("mean")))


def accuracies(tips: list) -> alt.LayerChart:
    """Test accuracies: a dot for every seed, and a tick for their mean if they agree."""
    axis, scale = alt.Axis(format=".0%", labelFlush=False), alt.Scale(domain=[0, 1])
    at = alt.X("test_acc:Q", title="Test accuracy", axis=axis, scale=scale)
    tooltip = [*tips, "seed:N", alt.Tooltip("test_acc:Q", format=".2%")]
    dots = alt.Chart().mark_circle(opacity=0.7, size=26).encode(x=at, tooltip=tooltip)
    mean = alt.Tooltip(x := "mean(test_acc):Q", format=".2%", title="mean")
    ticks = alt.Chart().mark_tick(thickness=2, size=11).encode(x=x, tooltip=[*tips, mean])
    return alt.layer(dots, with_agreement(ticks).transform_filter("!datum.disagree"))


# ---------------------------------------------------------------------------------- the page


def overlaid(
    curve: Curve,
    quantity: str | None = None,
    marked: bool = False,
    span: tuple[float, float] | None = None,
) -> alt.LayerChart:
    """All shown variants in one panel; seeds that disagree have a curve each.

    `quantity` selects rows of the table, and adds theory's curves. `marked` adds a line at the
    epoch of the page's slider. A `span` makes the ends of the vertical axis a param of the page.
    """
    if span:
        scale = curve.axis["scale"] | {"domain": {"expr": "span"}}
        curve = replace(curve, axis=curve.axis | {"scale": scale})
    # At the end of an axis markers are whole, except where the axis shows a part.
    clip = alt.ExprRef("span[0] > 0") if span and not quantity else alt.Undefined
    layers = [means(curve, clip, dashed=not quantity)]
    if quantity:
        theory = alt.Chart().transform_calculate(theory="toNumber(datum.theory)")
        theory = theory.transform_filter("datum.theory > 0").encode(y=curve.at_y("theory"))
        layers.append(theory.mark_line(strokeWidth=1.5, strokeDash=[5, 4]))
    if marked:
        rule = alt.Chart(alt.InlineData([{}])).transform_calculate(x="marked")
        rule = rule.mark_rule(strokeWidth=2, strokeDash=[3, 3])
        layers.append(rule.encode(color=alt.value("gray")))
    # A domain, since a layer without rows has none of its own.
    x = curve.at_x(domain=alt.ExprRef(f"[{curve.first}, last]"), zero=False, nice=False)
    chart = alt.layer(*layers, at_pointer(curve)).encode(
        x=x, color=alt.Color("color:N", scale=None), detail=["variant:N", "which:N"],
        opacity=alt.condition(PROMINENT, alt.value(1), alt.value(0.08)),
    )  # fmt: skip
    rows = f" && datum.quantity == '{quantity}'" if quantity else ""
    chart = numbered(chart.transform_filter(f"indexof(shown, datum.variant) >= 0{rows}"), curve)
    chart = chart.transform_filter("datum.x <= last").transform_calculate(**LOOKS)
    params = {"looks": {}, "shown": [], "alone": [], "last": 1, "marked": 0}
    params |= {"span": list(span)} if span else {}
    return on_page(chart, 260 if quantity else 320, **params)


def means(curve: Curve, clip: Any, dashed: bool) -> alt.LayerChart:
    """The mean of every curve with markers and its band."""
    line = alt.Chart().mark_line(strokeWidth=2, point={"size": 40, "clip": clip}, clip=clip)
    dash = alt.StrokeDash("dash:N", scale=None) if dashed else alt.Undefined
    line = line.encode(shape=alt.Shape("shape:N", scale=None), strokeDash=dash)
    faint = alt.condition(PROMINENT, alt.value(0.2), alt.value(0.02))
    area = alt.Chart().mark_area(clip=True).encode(opacity=faint)
    return summarized(banded(curve, line, area), curve, "which", *LOOKS)


def at_pointer(curve: Curve) -> alt.Chart:
    """A line at the place nearest to the pointer, with the values of all curves as its tooltip."""
    nearest = alt.selection_point(
        name="at", encodings=["x"], nearest=True, on="pointerover", clear="pointerout"
    )
    line = "(datum.datum || datum)"  # the pointer may be over a cell around the line
    tip = f"{{'{curve.x_title}': {line}.x, '{curve.title}': {line}.words}}"
    curves = alt.AggregatedFieldDef(op="values", **{"as": "curves"})
    # Without a name Altair gives it one by a count of all charts so far.
    rule = alt.Chart(name="pointer").mark_rule(strokeWidth=1).transform_filter(PROMINENT)
    return (
        summarized(rule, curve, "label")
        .transform_calculate(words=f"datum.label + ': ' + ({curve.tip()})")
        .transform_aggregate([curves], groupby=["x"])
        .transform_calculate(words="join(pluck(datum.curves, 'words'), '\\n')")
        .encode(
            color=alt.value("gray"), tooltip=alt.value(alt.ExprRef(tip)),
            opacity=alt.condition(nearest, alt.value(0.7), alt.value(0), empty=False),
        )
        .add_params(nearest)
    )  # fmt: skip


def final_accuracies(count: int) -> alt.LayerChart:
    """`count` rows, one for each variant; the whole row has a tooltip: a finger misses a dot."""
    one = alt.Chart().mark_bar(opacity=0, size=17)
    row = one.transform_aggregate(seeds="count()", groupby=["variant", "label"])
    row = row.transform_calculate(ends="looks[datum.variant].accuracy", left="0", right="1")
    tooltip = [LABEL, alt.Tooltip("ends:N", title="at the end")]
    row = row.encode(x=alt.X("left:Q", stack=None), x2="right", tooltip=tooltip)
    return in_rows(alt.layer(row, *accuracies([LABEL]).layer), 17, count, grid=True, around=50)


def in_rows(chart: Any, height: int, count: int, grid: bool, around: int) -> alt.LayerChart:
    """A chart with a labelled row for every variant; the axes take `around` pixels."""
    bold = alt.condition("indexof(about, datum.value) >= 0", alt.value("bold"), alt.value("normal"))
    # As style.shortened does.
    label, half = "looks[datum.value].label", "(narrow ? 10 : 17)"
    short = f"slice({label}, 0, {half}) + '…' + slice({label}, 1 - {half})"
    axis = alt.Axis(
        grid=grid, labelExpr=f"length({label}) > 2 * {half} ? {short} : {label}",
        labelFontWeight=bold, labelFontSize=alt.ExprRef("narrow ? 10 : 12"), labelLimit=240,
    )  # fmt: skip
    chart = chart.encode(y=alt.Y("variant:N", sort=None, title=None, axis=axis))
    labelled = chart.transform_calculate(label=LOOKS["label"])
    return on_page(labelled, height * count + around, looks={}, about=[], narrow=False)


def on_page(chart: Any, height: int, **values: Any) -> alt.LayerChart:
    """A chart with params and their values until the page sets them."""
    chart = chart.properties(data=alt.NamedData("table"), width="container", height=height)
    return chart.add_params(*(alt.param(name=name, value=values[name]) for name in values))
