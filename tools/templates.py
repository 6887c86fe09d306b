"""Write the templates of `dvc plots`, .dvc/plots/*.json, from stages/rendering/charts.py and
heat_charts.py.

They have a panel for every variant and a color for every revision, or the other way round.
"""

import json
from pathlib import Path
from typing import Any

import altair as alt

from stages import writing
from stages.rendering import charts, heat_charts
from stages.rendering.charts import CURVES, Curve

FOLDER = Path(__file__).parents[1] / ".dvc" / "plots"
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"  # the version of DVC's online page
# DVC fills in the rows as an array, and the color as an object.
ROWS, COLOR = alt.InlineData("<DVC_METRIC_DATA>"), alt.Color(field="<DVC_METRIC_COLOR>")
REVISION = alt.Tooltip("rev:N", title="revision")
# A variant's name, with the outcome of the seeds where these disagree.
NAMED = "datum.disagree ? datum.variant + ' (' + datum.end + ')' : datum.variant"
VARIANT: dict[str, Any] = {"shorthand": "variant:N", "sort": None, "title": None}
PERCENT = alt.Legend(format=".0%")


def text(name: str) -> str:
    """The JSON of a template."""
    chart, title, subtitle = TEMPLATES[name]
    chart = chart.properties(title=alt.TitleParams(title, subtitle=subtitle, anchor="start"))
    spec = json.dumps(chart.to_dict() | {"$schema": SCHEMA}, ensure_ascii=False)
    # Altair wants an object where DVC wants the anchor alone.
    spec = spec.replace('{"field": "<DVC_METRIC_COLOR>"}', '"<DVC_METRIC_COLOR>"')
    return json.dumps(json.loads(spec), indent=2, ensure_ascii=False) + "\n"


def panels(curve: Curve, digits: str) -> alt.FacetChart:
    """Curves by epoch or layer, a panel for every variant."""
    columns = ["mean", "low", "high"] if curve.band else ["mean"]
    tips = [REVISION, "variant:N", *([f"{curve.by}:N"] if curve.by else []), "x:Q"]
    tips += [alt.Tooltip("which:N", title="seed")] if curve.band else []
    tips += [alt.Tooltip(f"{column}:Q", format=digits) for column in columns]
    line = alt.Chart().mark_line(point=alt.OverlayMarkDef(size=14)).encode(tooltip=tips)
    if curve.by:
        line = line.encode(strokeDash=alt.StrokeDash(f"{curve.by}:N", sort=None, title=None))
    inner = charts.banded(curve, line, alt.Chart().mark_area(opacity=0.25, clip=True))
    inner = charts.summarized(inner, curve, "which").properties(width=160, height=110)
    inner = inner.encode(x=curve.at_x(domainMin=curve.first), color=COLOR, detail="which:N")
    return in_panels(inner, "variant", charts.numbered(alt.Chart(), curve))


def in_panels(inner: Any, field: str, steps: alt.Chart) -> alt.FacetChart:
    """Panels by `field`, six in a row, in the order of the variants; `steps` has transforms."""
    steps = steps.transform_joinaggregate(place="min(position)", groupby=["variant"])
    order = alt.EncodingSortField("place", op="min")
    header = alt.Header(title=None, labelFontWeight="bold", labelFontSize=9, labelLimit=180)
    facet = alt.Facet(field, type="nominal", sort=order, header=header)
    chart = inner.facet(facet, data=ROWS, columns=6, spacing=14)
    return chart.properties(transform=steps.transform)


def by_revision(cells: alt.LayerChart, width: int, height: int) -> alt.FacetChart:
    """Cells for every revision, side by side; cells are `width` × `height` pixels."""
    cells = cells.properties(width=alt.Step(width), height=alt.Step(height))
    return cells.facet(column=alt.Column("rev:N", sort=None, title=None), data=ROWS)


def heat_map() -> alt.FacetChart:
    """A map of a sweep: the mean of a column, DVC's `y`, in every cell."""
    mean, seeds = alt.Tooltip("value:Q", format=".1%", title="mean"), alt.Tooltip("seeds:Q")
    squares = alt.Chart().mark_rect().encode(
        color=alt.Color("value:Q", legend=PERCENT, **heat_charts.SHARES),
        tooltip=[REVISION, "x:N", "y:N", mean, seeds],
    )  # fmt: skip
    cells = alt.layer(squares, heat_charts.numbers(heat_charts.ON_SHARES)).encode(
        x=alt.X("x:N", sort=None, title="<DVC_METRIC_X_LABEL>"),
        y=alt.Y("y:N", sort=None, title="<DVC_METRIC_Y_LABEL>"),
    )
    chart = by_revision(cells, 30, 24)
    # An expression could not name DVC's y, which is text for it.
    chart = chart.transform_fold(["<DVC_METRIC_Y>"], as_=["quantity", "text"])
    chart = chart.transform_calculate(number="toNumber(datum.text)")
    chart = chart.transform_aggregate(
        value="mean(number)", seeds="count()", groupby=["rev", "x", "y"]
    )
    return chart.transform_calculate(words="format(100 * datum.value, '.0f')")


def final_accuracy() -> alt.LayerChart:
    """Test accuracies, a row for every variant and revision."""
    chart = charts.accuracies([REVISION, "variant:N"]).encode(
        y=alt.Y(**VARIANT, axis=alt.Axis(grid=True)),
        yOffset=alt.YOffset("rev:N", sort=None),
        color=COLOR,
    )
    return chart.properties(data=ROWS, width=620, height=alt.Step(11))


def who_moved() -> alt.FacetChart:
    """Moves of the tensors of networks with at most four hidden layers."""
    layers = ["fc1", "fc2", "fc3", "fc4", "out"]
    chart = heat_charts.moves(layers, heat_charts.SIZE, heat_charts.key("largest move"))
    return by_revision(chart.encode(y=alt.Y(**VARIANT)), 58, 19)


def confusion() -> alt.FacetChart:
    """The share of every true class that the network takes for every class."""
    panel = "datum.revisions > 1 ? datum.variant + ' · ' + datum.rev : datum.variant"
    steps = (
        charts.with_agreement(alt.Chart())
        .transform_calculate(examples="toNumber(datum.count)", variant=NAMED)
        .transform_joinaggregate(total="sum(examples)", groupby=["rev", "variant", "actual"])
        .transform_calculate(share="datum.examples / datum.total")
        .transform_window(position="row_number()", groupby=["rev"])
        .transform_joinaggregate(revisions="distinct(rev)")
        .transform_calculate(panel=panel)
    )
    axis = alt.Axis(labelAngle=0, labelFontSize=8, ticks=False)
    scale = alt.Scale(range=["#ffffff", "#08519c"], domain=[0, 1], interpolate="rgb")
    true = alt.Tooltip("actual:N", title="true class")
    predicted = alt.Tooltip("predicted:N", title="predicted class")
    share = alt.Tooltip("share:Q", format=".1%")
    chart = alt.Chart(width=150, height=150).mark_rect(stroke="#ddd", strokeWidth=0.3)
    chart = chart.encode(
        x=alt.X("predicted:O", title=None, axis=axis),
        y=alt.Y("actual:O", title=None, axis=axis),
        color=alt.Color("share:Q", title="share of the class", scale=scale, legend=PERCENT),
        tooltip=[REVISION, "variant:N", true, predicted, "examples:Q", share],
    )
    return in_panels(chart, "panel", steps)


INTERVALS = (
    "mean and 95 % interval (Student's t) over seeds, or each seed where they disagree; one panel "
    "per variant"
)
# Every template with its title and subtitle.
TEMPLATES: dict[str, tuple[Any, str, str]] = {
    "learning_curves": (
        panels(CURVES["learning_curves"], ".2%"), "Test accuracy by epoch", INTERVALS,
    ),
    "dead_units": (panels(CURVES["dead_units"], ".2%"), "Dead units by epoch", INTERVALS),
    "symmetry_gap": (
        panels(CURVES["symmetry_gap"], ".3~g"), "Symmetry gap of fc1's units by epoch",
        "mean, lowest and highest seed, or each seed where they disagree; 0 means that all units "
        "have equal weights; the scale is linear below 0.00001 and logarithmic above",
    ),
    "depth": (
        panels(CURVES["depth"], ".3~g"), "Signal and gradient by layer, before training",
        "standard deviation of activations over examples, and of the gradients of an example's "
        "loss; mean over seeds; the logarithmic scale has no place for an exact 0",
    ),
    "by_variant": (
        final_accuracy(), "Test accuracy after the last epoch",
        "a dot for each seed, and a bar for their mean unless they disagree",
    ),
    "tensors": (
        who_moved(), "Largest move of a value from its initial value, over all seeds",
        "a 0 in red: unchanged in every seed",
    ),
    "heat_map": (heat_map(), "<DVC_METRIC_TITLE>", "the mean of a cell's networks, in per cent"),
    "confusion_by_variant": (
        confusion(), "True and predicted classes",
        "over the seeds of a variant with the same outcome; rows are true classes, columns "
        "predicted classes; the revisions of a variant stand side by side",
    ),
}  # fmt: skip


if __name__ == "__main__":
    writing.replace({FOLDER / f"{name}.json": text(name) for name in TEMPLATES})
