"""Writes the templates of `dvc plots`, .dvc/plots/*.json, from stages/rendering/charts.py
and heat_charts.py.

They have a panel for every variant and a colour for every revision, or the other way round.
"""

import json
from pathlib import Path
from typing import Any

import altair as alt

from stages import writing
from stages.rendering import charts, heat_charts
from stages.rendering.charts import CURVES, Curve

FOLDER = Path(__file__).parents[1] / ".dvc" / "plots"
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"  # what DVC's online page draws with
# What DVC fills in: the rows as an array, the colour as an object.
ROWS, COLOR = alt.InlineData("<DVC_METRIC_DATA>"), alt.Color(field="<DVC_METRIC_COLOR>")
REVISION = alt.Tooltip("rev:N", title="revision")
# A variant's name, and how its seeds end where they do not all end alike.
ENDED = "datum.parted ? datum.variant + ' (' + datum.end + ')' : datum.variant"
VARIANT: dict[str, Any] = {"shorthand": "variant:N", "sort": None, "title": None}


def main() -> None:
    writing.replace({FOLDER / f"{name}.json": text(name) for name in TEMPLATES})


def text(name: str) -> str:
    """The JSON of a template."""
    chart, title, subtitle = TEMPLATES[name]
    lines = alt.TitleParams(title, subtitle=subtitle or alt.Undefined, anchor="start")
    chart = chart.properties(title=lines)
    spec = json.dumps(chart.to_dict() | {"$schema": SCHEMA}, ensure_ascii=False)
    # Altair wants an object where DVC wants the anchor alone.
    spec = spec.replace('{"field": "<DVC_METRIC_COLOR>"}', '"<DVC_METRIC_COLOR>"')
    return json.dumps(json.loads(spec), indent=2, ensure_ascii=False) + "\n"


def panels(curve: Curve, digits: str) -> alt.FacetChart:
    """Curves by epoch or layer, a panel for every variant."""
    columns = ["mean", "low", "high"] if curve.band else ["mean"]
    tips = [REVISION, "variant:N", *([f"{curve.by}:N"] if curve.by else []), "x:Q"]
    tips += [alt.Tooltip("apart:N", title="seed")] if curve.band else []
    tips += [alt.Tooltip(f"{column}:Q", format=digits) for column in columns]
    line = alt.Chart().mark_line(point=alt.OverlayMarkDef(size=14)).encode(tooltip=tips)
    if curve.by:
        line = line.encode(strokeDash=alt.StrokeDash(f"{curve.by}:N", sort=None, title=None))
    inner = charts.banded(curve, line, alt.Chart().mark_area(opacity=0.25, clip=True))
    inner = charts.summarized(inner, curve, "apart")
    inner = inner.encode(x=curve.at_x(domainMin=curve.first), color=COLOR, detail="apart:N")
    steps = charts.numbered(alt.Chart(), curve)
    steps = steps.transform_joinaggregate(place="min(position)", groupby=["variant"])
    return by_variant(inner.properties(width=160, height=110), "variant", steps)


def by_variant(inner: Any, field: str, steps: alt.Chart) -> alt.FacetChart:
    """Panels, six a row, by the `place` that the transforms of `steps` give."""
    order = alt.EncodingSortField("place", op="min")
    header = alt.Header(title=None, labelFontWeight="bold", labelFontSize=9, labelLimit=180)
    facet = alt.Facet(field, type="nominal", sort=order, header=header)
    chart = inner.facet(facet, data=ROWS, columns=6, spacing=14)
    return chart.properties(transform=steps.transform)


def by_revision(cells: alt.LayerChart, width: int, named: str | None = None) -> alt.FacetChart:
    """Cells for every revision, beside each other; rows `named` otherwise than their variant."""
    cells = cells.encode(y=alt.Y(**VARIANT))
    cells = cells.properties(width=alt.Step(width), height=alt.Step(19))
    chart = cells.facet(column=alt.Column("rev:N", sort=None, title=None), data=ROWS)
    if named:
        chart = charts.told_apart(chart).transform_calculate(variant=named)
    return chart


def heat_map() -> alt.FacetChart:
    """A map of a sweep: the mean of a column, DVC's `y`, in every cell."""
    scale, legend = alt.Scale(scheme="viridis", domain=[0, 1]), alt.Legend(format=".0%")
    mean, seeds = alt.Tooltip("mean:Q", format=".1%"), alt.Tooltip("seeds:Q")
    squares = (
        alt.Chart()
        .mark_rect()
        .encode(
            color=alt.Color("mean:Q", title=None, scale=scale, legend=legend),
            tooltip=[REVISION, "x:N", "y:N", mean, seeds],
        )
    )
    ink = alt.condition("datum.mean < 0.6", alt.value("white"), alt.value("black"))
    numbers = alt.Chart().mark_text(fontSize=10).encode(text="words:N", color=ink)
    cells = alt.layer(squares, numbers).encode(
        x=alt.X("x:N", sort=None, title="<DVC_METRIC_X_LABEL>"),
        y=alt.Y("y:N", sort=None, title="<DVC_METRIC_Y_LABEL>"),
    )
    cells = cells.properties(width=alt.Step(30), height=alt.Step(24))
    chart = cells.facet(column=alt.Column("rev:N", sort=None, title=None), data=ROWS)
    # What DVC's y names: as a field it could be in no expression.
    chart = chart.transform_fold(["<DVC_METRIC_Y>"], as_=["quantity", "text"])
    chart = chart.transform_calculate(value="toNumber(datum.text)")
    chart = chart.transform_aggregate(
        mean="mean(value)", seeds="count()", groupby=["rev", "x", "y"]
    )
    return chart.transform_calculate(words="format(100 * datum.mean, '.0f')")


def final_accuracy() -> alt.LayerChart:
    chart = charts.values([REVISION, "variant:N"]).encode(
        y=alt.Y(**VARIANT, axis=alt.Axis(grid=True)),
        yOffset=alt.YOffset("rev:N", sort=None),
        color=COLOR,
    )
    return chart.properties(data=ROWS, width=620, height=alt.Step(11))


def who_moved() -> alt.FacetChart:
    # Those of all networks that are not deep.
    layers = ["fc1", "fc2", "fc3", "fc4", "out"]
    chart = heat_charts.moves(layers, heat_charts.SIZE, heat_charts.key("largest move"))
    return by_revision(chart, 58)


def digits() -> alt.FacetChart:
    scale, legend = alt.Scale(scheme="blues", domain=[0, 1]), alt.Legend(format=".0%")
    color = alt.Color("value:Q", title="accuracy", scale=scale, legend=legend)
    ink = alt.condition("datum.value > 0.5", alt.value("white"), alt.value("black"))
    x = alt.X("digit:O", sort=None, title=None, axis=alt.Axis(labelAngle=0))
    chart = heat_charts.cells("test_acc", "digit", color, ink, "'.1%'").encode(x=x)
    return by_revision(chart, 44, ENDED)


def confusion() -> alt.FacetChart:
    panel = "datum.revisions > 1 ? datum.variant + ' · ' + datum.rev : datum.variant"
    steps = (
        charts.told_apart(alt.Chart())
        .transform_calculate(images="toNumber(datum.count)", variant=ENDED)
        .transform_joinaggregate(total="sum(images)", groupby=["rev", "variant", "actual"])
        .transform_calculate(share="datum.images / datum.total")
        .transform_window(position="row_number()", groupby=["rev"])
        .transform_joinaggregate(place="min(position)", groupby=["variant"])
        .transform_joinaggregate(revisions="distinct(rev)")
        .transform_calculate(panel=panel)
    )
    axis = alt.Axis(labelAngle=0, labelFontSize=8, ticks=False)
    scale = alt.Scale(range=["#ffffff", "#08519c"], domain=[0, 1], interpolate="rgb")
    legend = alt.Legend(format=".0%")
    said = {"actual:N": "true digit", "predicted:N": "predicted digit"}
    tips = [alt.Tooltip(field, title=title) for field, title in said.items()]
    chart = alt.Chart(width=150, height=150).mark_rect(stroke="#ddd", strokeWidth=0.3)
    chart = chart.encode(
        x=alt.X("predicted:O", title=None, axis=axis),
        y=alt.Y("actual:O", title=None, axis=axis),
        color=alt.Color("share:Q", title="share of the digit", scale=scale, legend=legend),
        tooltip=[REVISION, "variant:N", *tips, "images:Q", alt.Tooltip("share:Q", format=".1%")],
    )
    return by_variant(chart, "panel", steps)


STUDENTS = (
    "mean over the seeds and its 95 % interval (Student's t), or every seed where they part ways; "
    "one panel a variant"
)
# Every template with its title and the line below that.
TEMPLATES: dict[str, tuple[Any, str, str]] = {
    "learning_curves": (
        panels(CURVES["learning_curves"], ".2%"), "Test accuracy by epoch", STUDENTS,
    ),
    "dead_units": (panels(CURVES["dead_units"], ".2%"), "Dead units by epoch", STUDENTS),
    "symmetry_gap": (
        panels(CURVES["symmetry_gap"], ".3~g"), "Symmetry gap of fc1's units by epoch",
        "mean, lowest and highest seed, or every seed where they part ways; 0 means that all units "
        "have equal weights; the scale is linear below 0.00001 and logarithmic above",
    ),
    "depth": (
        panels(CURVES["depth"], ".3~g"), "Signal and gradient by layer, before training",
        "activations over images, and the gradient of an image's loss; mean over the seeds; what "
        "is exactly 0 has no place on the scale",
    ),
    "by_variant": (
        final_accuracy(), "Test accuracy at the last epoch",
        "a dot for every seed, a bar for their mean where they do not part ways",
    ),
    "tensors": (
        who_moved(), "Largest move of a value from its start, of any seed",
        "a 0 in red: not moved by one bit, in any seed",
    ),
    "heat_map": (
        heat_map(), "<DVC_METRIC_TITLE>", "the mean of a cell's networks, in per cent",
    ),
    "digits": (digits(), "Accuracy by true digit", "over the seeds of a variant that end alike"),
    "confusion_by_variant": (
        confusion(), "What is taken for what",
        "over the seeds of a variant that end alike; rows are the true digits, columns what the "
        "network says; the revisions of a variant stand side by side",
    ),
}  # fmt: skip


if __name__ == "__main__":
    main()
