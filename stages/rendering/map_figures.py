"""Maps as figures, and their words and charts on the page."""

from typing import Any

import numpy as np
import pandas as pd

from stages.analysis import maps
from stages.analysis.maps import DEPTH, MULTIPLE, RATE, VARIANCE, WIDTH, Axis, Map
from stages.rendering import figures, heat_charts, style
from stages.rendering.figures import plt

SHOWN = {
    "train_acc": "training accuracy",
    "test_acc": "test accuracy",
    "largest_guess": "share of images in an untrained network's most frequent class",
    "constant": "share of untrained networks with the same output for every image",
}
KEYS = {
    DEPTH: "Hidden layers",
    WIDTH: "Width of the hidden layers",
    RATE: "Learning rate",
    VARIANCE: "σ_w²: variance of the weights × fan-in",
    "all.weight.normal.std": "ε: standard deviation of the weights",
    "all.weight.normal.mean": "c: mean of the weights",
    "variant": "Variant",
}
MAX_LEVEL = 8  # characters of a horizontal name below a column
MAX_TITLE = 60  # characters
COLORS = "viridis"  # distinct with any colour vision, and in grey


def title(axis: Axis) -> str:
    """The title of an axis."""
    return KEYS.get(axis.key, axis.key)


def about(one: Map) -> str:
    """The number of networks and of training steps of every cell."""
    networks = style.counted(one.seeds, "network")
    least, most = min(one.steps), max(one.steps)
    if not most:
        return f"{networks} per cell, untrained."
    steps = f"{least:,} to " * (least < most) + style.counted(most, "step")
    return f"{networks} per cell, trained for {steps}."


def chart(one: Map) -> Any:
    """The page's chart of a map."""
    tips = {title(one.x): "datum.x", title(one.y): "datum.y"}
    if max(one.steps):
        tips |= {SHOWN[one.shows]: heat_charts.MEAN, "networks that learn": heat_charts.LEARN}
    elif one.shows == "constant":
        tips |= {"networks": heat_charts.SHARE_OF_ALL}
    else:
        tips |= {"share of images": heat_charts.MEAN}
    if any(maps.theory(plan) for plan in one.plans):
        tips |= {"depth scale ξ": heat_charts.SCALE}
    return heat_charts.heat_map(one, title(one.x), title(one.y), tips)


def heat_map(one: Map, learned_above: float) -> plt.Figure:
    """A map with its numbers in per cent, and theory's lines where it has some."""
    columns, rows = len(one.x.values), len(one.y.values)
    x_names, y_names = (
        [figures.plain(name) for name in names] for names in (one.marked_names(), one.y.names)
    )
    longest = max(len(line) for name in x_names for line in name.splitlines())
    turned = {"rotation": 30, "ha": "right"} if longest > MAX_LEVEL else {}
    figure, axes = figures.new(figsize=(4 + 0.55 * columns, 2 + 0.45 * rows))
    values = one.cells(learned_above)["mean"].to_numpy().reshape(rows, columns)
    image = axes.imshow(values, vmin=0, vmax=1, cmap=COLORS, aspect="auto", origin="lower")
    for (j, i), value in np.ndenumerate(values):
        # The background hides theory's lines behind the number.
        axes.text(
            i, j, f"{100 * value:.0f}", ha="center", va="center", fontsize=9,
            color="white" if value < 0.6 else "black",
            bbox={"facecolor": image.to_rgba(value), "edgecolor": "none", "pad": 1},
        )  # fmt: skip
    lines = pd.DataFrame(one.depth_lines, columns=["multiple", "side", "i", "j"])
    for (multiple, _), line in lines.groupby(["multiple", "side"]):
        width = 2.5 if multiple == MULTIPLE else 0.8
        axes.plot(line["i"], line["j"], color="white", linewidth=width)
    axes.set_xticks(range(columns), x_names, **turned)
    axes.set_yticks(range(rows), y_names)
    figures.without_frame(axes)
    axes.set_xlabel(figures.plain(title(one.x)))
    axes.set_ylabel(figures.plain(title(one.y)))
    if one.y.labels:  # names read downward
        axes.invert_yaxis()
    theory = "" if lines.empty else "; lines: 2, 4 and 6 depth scales of mean-field theory"
    axes.set_title(f"{SHOWN[one.shows]} (%){theory}", fontsize=9.5)
    figure.suptitle(figures.plain(one.label, MAX_TITLE))
    figure.colorbar(image, ax=axes, format=lambda value, _: f"{100 * value:.0f} %")
    return figure
