"""The pictures, as matplotlib figures with fixed bytes."""

from pathlib import Path

import matplotlib as mpl
import pandas as pd

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


def learning_curves(curves: pd.DataFrame, colors: dict[str, str | None]) -> plt.Figure:
    """The lecture's figure: test accuracy by epoch, a curve a variant, its interval as a band.

    `curves` has the columns variant, label, seeds, epoch, test_acc_mean, test_acc_low and
    test_acc_high (fractions), with epochs in order; `colors` may give a variant's colour.
    """
    variants = list(dict.fromkeys(curves["variant"]))
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
        for i, variant in enumerate(variants):
            curve = curves[curves["variant"] == variant]
            color = colors.get(variant) or PALETTE[i % len(PALETTE)]
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
                markersize=7,
                markevery=(i % 4, 4),
                label=f"{curve['label'].iloc[0]} ({percent['mean'].iloc[-1]:.2f} %)",
            )
        axes.set_xlabel("Epoch")
        axes.set_ylabel("Test accuracy (%)")
        axes.set_ylim(0, 100)
        axes.set_xlim(0, curves["epoch"].max() + 0.2)
        axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
        seeds = curves["seeds"].max()
        spread = f"mean and 95 % interval over {seeds} seeds" if seeds > 1 else "one seed"
        axes.set_title(f"Does the initial value of the weights decide what is learned?\n{spread}")
        axes.legend(loc="center right", frameon=True, framealpha=0.9, title="at the last epoch")
    return figure


def save(figure: plt.Figure, stem: Path) -> None:
    """Write a figure as STEM.png and STEM.svg, without dates, and close it."""
    with mpl.rc_context(STYLE):
        figure.savefig(stem.with_suffix(".png"), dpi=150, metadata={"Software": None})
        figure.savefig(stem.with_suffix(".svg"), metadata={"Date": None, "Creator": None})
    plt.close(figure)
