"""Training loss by learning rate, one line for each value of the other axis."""

import json
import math
from collections.abc import Sequence

import altair as alt
import numpy as np

from stages.analysis.maps import Map
from stages.rendering import figures, map_figures
from stages.rendering.charts import on_page
from stages.rendering.figures import plt

HIGHEST = 2.6  # nats: guessing among ten classes is 2.3


def chart(one: Map) -> alt.LayerChart:
    """The page's chart of a sweep: the best rate of every line is marked."""
    powers = [10.0**i for i in range(-9, 3)]
    at = {
        "x": alt.X(
            "rate:Q", title=map_figures.title(one.x), axis=alt.Axis(values=powers, format="~g"),
            scale=alt.Scale(type="log", domain=[min(one.x.values), max(one.x.values)]),
        ),
        "y": alt.Y(
            "loss:Q", title="Training loss (nats)",
            scale=alt.Scale(zero=False, domainMax=HIGHEST, clamp=True),
        ),
        "color": alt.Color(
            "line:O", title=map_figures.title(one.y), scale=alt.Scale(scheme="viridis"),
            legend=alt.Legend(orient="bottom", columns=alt.ExprRef("narrow ? 3 : 6")),
        ),
    }  # fmt: skip
    tips = [alt.Tooltip(f"{name}:N", title=name) for name in ("width", "rate")]
    tips.append(alt.Tooltip("loss:Q", format=".3f", title="training loss, mean"))
    line = alt.Chart().mark_line(strokeWidth=2, clip=True).encode(**at)
    dots = alt.Chart().mark_point(size=25, filled=True, clip=True).encode(**at, tooltip=tips)
    best = alt.Chart().mark_point(size=130, filled=True, shape="diamond").encode(**at, tooltip=tips)
    best = best.transform_filter("datum.loss == datum.least")
    layers = alt.layer(line, dots, best).transform_filter(f"datum.map == {json.dumps(one.name)}")
    layers = layers.transform_calculate(
        rate="toNumber(datum.x)", line="toNumber(datum.y)", width="datum.y",
        loss="toNumber(datum.mean)",
    )  # fmt: skip
    layers = layers.transform_filter("isFinite(datum.loss)")
    return on_page(
        layers.transform_joinaggregate(least="min(loss)", groupby=["line"]), 320, narrow=False
    )


def figure(maps: list[Map], learned_above: float) -> plt.Figure:
    """Maps beside each other, with the best rate of every line marked."""
    drawn, axes = figures.new(1, len(maps), figsize=(5.2 * len(maps), 4.6), sharey=True)
    colors = plt.get_cmap(map_figures.COLORS)
    lowest = min(one.cells(learned_above)["mean"].min() for one in maps)
    for one, panel in zip(maps, np.atleast_1d(axes), strict=True):
        losses = one.cells(learned_above)["mean"].to_numpy()
        rows = losses.reshape(len(one.y.values), len(one.x.values))
        for place, (name, row) in enumerate(zip(one.y.names, rows, strict=True)):
            color = colors(place / max(1, len(rows) - 1))
            panel.plot(one.x.values, row, marker="o", markersize=4, color=color, label=name)
            if np.isfinite(row).any():
                best = int(np.nanargmin(row))
                panel.plot(one.x.values[best], row[best], marker="D", markersize=10, color=color)
        panel.set_xscale("log")
        panel.set_ylim(math.floor(10 * lowest - 0.5) / 10, HIGHEST)
        panel.set_xlabel(figures.plain(map_figures.title(one.x)))
        panel.set_title(figures.plain(one.label, map_figures.MAX_TITLE), fontsize=10.5)
    np.atleast_1d(axes)[0].set_ylabel("Training loss (nats)")
    np.atleast_1d(axes)[-1].legend(title=map_figures.title(maps[0].y), fontsize=9)
    drawn.suptitle("Which learning rate is best at which width? Diamonds mark the best")
    return drawn


def shown(maps: Sequence[Map]) -> list[Map]:
    """The maps that are drawn so: those that show a loss."""
    return [one for one in maps if one.shows == "train_loss"]
