"""Maps as figures, and their words and charts on the page."""

import textwrap
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
    "train_loss": "training loss",
    "largest_guess": "share of examples in the class that an untrained network guesses most often",
    "constant": "share of untrained networks with the same output for every example",
}
KEYS = {
    DEPTH: "Hidden layers",
    WIDTH: "Width of the hidden layers",
    RATE: "Learning rate",
    VARIANCE: "Variance of the weights × fan-in",
    "all.weight.normal.std": "ε: standard deviation of the weights",
    "all.weight.normal.mean": "c: mean of the weights",
    "variant": "Variant",
    "network.mup.width": "Width",
}
MAX_LEVEL = 8  # characters of a horizontal name below a column
MAX_TITLE = 60  # characters of a line; there are at most two
COLORS = "viridis"  # distinct with any colour vision, and in grey


def title(axis: Axis) -> str:
    """The title of an axis."""
    return KEYS.get(axis.key, axis.key)


def about(one: Map) -> str:
    """The seeds and the training of every cell, as a sentence."""
    seeds = f"the mean of {one.seeds} seeds" if one.seeds > 1 else "one seed"
    cell = f"Each cell is {seeds}"
    least, most = min(one.steps), max(one.steps)
    if not most:
        return f"{cell}, untrained."
    steps = f"{least:,} to " * (least < most) + style.counted(most, "step")
    batches = {plan["batch_size"] for plan in one.plans}
    examples = f" of {batches.pop()} examples" if len(batches) == 1 else ""
    return f"{cell}, after {steps}{examples}."


def chart(one: Map) -> Any:
    """The page's chart of a map."""
    tips = {title(one.x): "datum.x", title(one.y): "datum.y"}
    if max(one.steps):
        tips |= {SHOWN[one.shows]: heat_charts.MEAN, "networks that learn": heat_charts.LEARN}
    elif one.shows == "constant":
        tips |= {"networks": heat_charts.SHARE_OF_ALL}
    else:
        tips |= {"share of examples": heat_charts.MEAN}
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
    figure, axes = figures.new(figsize=(4 + 0.55 * columns, 2.3 + 0.45 * rows))
    values = one.cells(learned_above)["mean"].to_numpy().reshape(rows, columns)
    image = axes.imshow(values, vmin=0, vmax=1, cmap=COLORS, aspect="auto", origin="lower")
    for (j, i), value in np.ndenumerate(values):
        # The background hides theory's lines behind the number, which is that of maps.csv.
        number = style.decimals(100 * float(f"{value:.6g}"), 0)
        axes.text(
            i, j, number, ha="center", va="center", fontsize=9,
            color="white" if value < 0.6 else "black",
            bbox={"facecolor": image.to_rgba(value), "edgecolor": "none", "pad": 2.5},
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
    theory = "" if lines.empty else "\nLines: 2, 4 and (thick) 6 depth scales of mean-field theory"
    axes.set_title(f"{SHOWN[one.shows]} (%)\n{about(one)}{theory}", fontsize=9.5)
    label = style.shortened(one.label, 2 * MAX_TITLE)
    figure.suptitle(figures.plain(textwrap.fill(label, MAX_TITLE), 2 * MAX_TITLE))
    figure.colorbar(image, ax=axes, format=lambda value, _: f"{100 * value:.0f} %")
    return figure
