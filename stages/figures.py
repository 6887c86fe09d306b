"""The pictures of what is learned, as matplotlib figures with fixed bytes."""

import math
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

from stages.summary import BASELINE, splits

mpl.use("agg")
import matplotlib.pyplot as plt

# Okabe and Ito's palette, told apart by readers with any colour vision
# (jfly.uni-koeln.de/color); line styles and markers tell the same a second time.
PALETTE = ["#0072b2", "#e69f00", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#000000"]
DASHES = ["-", (0, (6, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2))]
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]

STYLE = {
    "svg.hashsalt": "initlab",  # fixed ids
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
}


def learning_curves(
    curves: pd.DataFrame, history: pd.DataFrame, outcomes: dict[str, str], colors: dict
) -> plt.Figure:
    """The lecture's figure: test accuracy by epoch, a curve a variant, its interval as a band.

    `curves` has the columns variant, label, group, seeds, epoch, test_acc_mean, test_acc_low
    and test_acc_high (fractions), with epochs in order; `colors` may give a variant's colour.
    Where the seeds of a variant part ways, by its outcome, each is drawn from `history`
    instead of their mean.
    """
    figure, axes = new_figure(figsize=(8, 5))
    _draw_curves(axes, curves, history, outcomes, colors)
    axes.set_xlabel("Epoch")
    axes.set_ylabel("Test accuracy (%)")
    seeds = curves["seeds"].max()
    spread = f"mean and 95 % interval over {seeds} seeds" if seeds > 1 else "one seed"
    axes.set_title(f"Does the initial value of the weights decide what is learned?\n{spread}")
    axes.legend(loc="center right", frameon=True, framealpha=0.9, title="at the last epoch")
    return figure


def all_variants(
    curves: pd.DataFrame, history: pd.DataFrame, outcomes: dict[str, str], colors: dict
) -> plt.Figure:
    """Test accuracy by epoch of all variants: a panel a group, with the baseline in each.

    Its arguments are those of `learning_curves`.
    """
    groups = list(dict.fromkeys(curves["group"]))
    columns = min(2, len(groups))
    rows = -(-len(groups) // columns)
    tall = max(curves.groupby("group")["variant"].nunique())
    figure, panels = new_figure(
        rows, columns, figsize=(4.7 * columns, (2.9 + 0.2 * tall) * rows + 0.5),
        sharey=True, squeeze=False,
    )  # fmt: skip
    baseline = curves[curves["variant"] == BASELINE]
    for axes, group in zip(panels.flat, groups, strict=False):
        inside = curves[curves["group"] == group]
        _draw_curves(axes, inside, history, outcomes, colors)
        if BASELINE not in set(inside["variant"]) and len(baseline):
            seen = baseline[baseline["epoch"] <= inside["epoch"].max()]
            percent = 100 * seen["test_acc_mean"]
            axes.plot(
                seen["epoch"], percent, color="#777777", linestyle=":", linewidth=1.5, zorder=1,
                label=f"baseline ({percent.iloc[-1]:.2f} %)",
            )  # fmt: skip
        axes.set_title(group)
        axes.set_xlabel("Epoch")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), fontsize=9, frameon=False)
    for axes in panels[:, 0]:
        axes.set_ylabel("Test accuracy (%)")
    for axes in panels.flat[len(groups) :]:
        axes.set_visible(False)
    figure.suptitle(
        "Which ways to start learn, and which never do?\n"
        "mean and 95 % interval over seeds; every seed where they part ways"
    )
    return figure


def _draw_curves(
    axes: plt.Axes,
    curves: pd.DataFrame,
    history: pd.DataFrame,
    outcomes: dict[str, str],
    colors: dict,
) -> None:
    for i, variant in enumerate(dict.fromkeys(curves["variant"])):
        curve = curves[curves["variant"] == variant]
        color = colors.get(variant) or PALETTE[i % len(PALETTE)]
        if splits(outcomes[variant]):
            label = f"{curve['label'].iloc[0]} ({outcomes[variant]})"
            for _, seed in history[history["variant"] == variant].groupby("seed"):
                axes.plot(seed["epoch"], 100 * seed["test_acc"], color=color, lw=1.2, label=label)
                label = None
            continue
        percent = {c: 100 * curve[f"test_acc_{c}"] for c in ("mean", "low", "high")}
        axes.fill_between(
            curve["epoch"], percent["low"], percent["high"], color=color, alpha=0.3, linewidth=0
        )
        axes.plot(
            curve["epoch"],
            percent["mean"],
            color=color,
            linestyle=DASHES[i % len(DASHES)],
            # Curves that coincide stay visible: the first is the widest, and each one's
            # markers stand at other epochs.
            linewidth=max(1.5, 3 - 0.5 * i),
            marker=MARKERS[i % len(MARKERS)],
            markersize=6,
            markevery=(i % 4, 4) if len(curve) > 5 else None,
            label=f"{curve['label'].iloc[0]} ({percent['mean'].iloc[-1]:.2f} %)",
        )
    axes.set_ylim(0, 100)
    axes.set_xlim(0, curves["epoch"].max() * 1.02)
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))


def final_accuracy(
    table: pd.DataFrame, accuracies: dict[str, np.ndarray], commonest: float
) -> plt.Figure:
    """The final test accuracy of all variants, sorted: every seed, mean and interval.

    `table` as summary.comparison gives it; `accuracies` `[seeds]` by variant, `commonest`
    the score of a network that says the same to every image.
    """
    table = table.sort_values("test_acc_mean", kind="stable")
    baseline = table.loc[table["variant"] == BASELINE, "test_acc_mean"]
    # Where the starts lie that end about as well as the baseline.
    top = 100 * max(values.max() for values in accuracies.values())
    around = 100 * (baseline.iloc[0] if len(baseline) else table["test_acc_mean"].max())
    zoom = (math.floor(around - 2.5), min(100, math.ceil(2 * top + 0.6) / 2))
    figure, (whole, close) = new_figure(
        1, 2, figsize=(10, 1.6 + 0.27 * len(table)), sharey=True, width_ratios=[3, 2]
    )
    for axes, least in ((whole, 0), (close, zoom[0])):
        axes.axvline(100 * commonest, color="#d55e00", linestyle="--", linewidth=1.2)
        for mean in baseline:
            axes.axvline(100 * mean, color="#0072b2", linestyle="--", linewidth=1.2)
        for place, row in enumerate(table.itertuples()):
            seeds = 100 * accuracies[row.variant]
            if seeds.max() < least:
                continue
            axes.plot(seeds, [place] * len(seeds), "o", color="#999999", markersize=3.5, alpha=0.7)
            if splits(row.outcome) or 100 * row.test_acc_mean < least:
                continue
            color = "#0072b2" if row.variant == BASELINE else "#222222"
            axes.plot(
                [100 * row.test_acc_low, 100 * row.test_acc_high], [place] * 2,
                color=color, linewidth=2, solid_capstyle="butt",
            )  # fmt: skip
            axes.plot(100 * row.test_acc_mean, place, "D", color=color, markersize=5)
    whole.set_yticks(
        range(len(table)),
        [
            row.label + (f"  ({row.outcome})" if splits(row.outcome) else "")
            for row in table.itertuples()
        ],
    )
    whole.set_ylim(-0.7, len(table) - 0.3)
    whole.set_xlim(0, 100)
    close.set_xlim(zoom)
    whole.set_xlabel("Test accuracy (%)")
    close.set_xlabel(f"the same, {zoom[0]:g} to {zoom[1]:g} %")
    notes = [(commonest, f"chance: {100 * commonest:.2f} %", "#d55e00", "left")]
    notes += [(mean, f"baseline: {100 * mean:.2f} %", "#0072b2", "right") for mean in baseline]
    for x, words, color, side in notes:
        whole.annotate(
            words, (100 * x, 1), xycoords=("data", "axes fraction"), xytext=(0, 4),
            textcoords="offset points", color=color, ha=side, va="bottom", fontsize=9,
        )  # fmt: skip
    figure.suptitle(
        "How well does every start end?  (dots: seeds; diamonds: mean and 95 % interval)"
    )
    return figure


def new_figure(*shape: int, **options) -> tuple:
    """A figure and its axes in the house's style; saved and closed by `save`."""
    with mpl.rc_context(STYLE):
        return plt.subplots(*shape, layout="constrained", **options)


def nothing_to_show(question: str, why: str) -> plt.Figure:
    """What stands in a figure's place where its variants are not in params.yaml."""
    figure, axes = new_figure(figsize=(8, 3))
    axes.axis("off")
    axes.text(0.5, 0.5, why, ha="center", va="center")
    figure.suptitle(question)
    return figure


def save(figure: plt.Figure, stem: Path) -> None:
    """Write a figure as STEM.png and STEM.svg, without dates, and close it."""
    with mpl.rc_context(STYLE):
        # Arranged once: otherwise each format would arrange it again, twice.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        figure.savefig(stem.with_suffix(".png"), dpi=150, metadata={"Software": None})
        figure.savefig(stem.with_suffix(".svg"), metadata={"Date": None, "Creator": None})
    plt.close(figure)
