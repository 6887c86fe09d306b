"""The figures of README, note and `dvc plots`, as matplotlib figures with fixed bytes."""

import io
import os
import warnings
from collections.abc import Callable
from typing import Any

os.environ["MPLBACKEND"] = "agg"  # overrides the user's shell

import matplotlib as mpl
import matplotlib.pyplot as plt

from stages.analysis.report import Report
from stages.analysis.study import BASELINE
from stages.rendering import style
from stages.rendering.style import Look

mpl.rcdefaults()  # overrides the user's matplotlibrc

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
LONGEST_LABEL = 40  # characters of a label in a figure, which cannot grow; reports have all of it
MARKERS = dict(zip(style.SHAPES, "os^DvP", strict=True))


def new(*shape: int, **options: Any) -> tuple[plt.Figure, Any]:
    """A figure and its axes in the common style; `saved` closes it."""
    with mpl.rc_context(STYLE):
        return plt.subplots(*shape, layout="constrained", **options)


def of(look: Look) -> dict[str, Any]:
    """A look as matplotlib's keyword arguments."""
    # matplotlib multiplies dashes by the width of the line.
    dash = "-" if look.dash == [1, 0] else (0, [length / 2 for length in look.dash])
    return {"color": look.color, "linestyle": dash, "marker": MARKERS[look.shape]}


def solid(i: int, **options: Any) -> dict[str, Any]:
    """The look of the i-th curve with an unbroken line, as keyword arguments."""
    return of(style.look(i)) | {"linestyle": "-"} | options


def plain(label: str, longest: int = LONGEST_LABEL) -> str:
    """A label as literal text, shortened in the middle: not as mathematics, and in legends too."""
    shown = style.shortened(label, longest).replace("$", r"\$")
    # matplotlib leaves a label with a leading underscore out of legends.
    return f"\N{ZERO WIDTH SPACE}{shown}" if shown.startswith("_") else shown


def draw_references(report: Report, draw: Callable[..., Any]) -> None:
    """Draw labelled lines at chance and at the baseline's mean with `axhline` or `axvline`."""
    lines = [("chance", report.results.commonest, style.CHANCE)]
    baseline = report.rows.get(BASELINE)
    if baseline and baseline.outcome.has_mean:
        lines.append(("baseline", baseline.test_acc_mean, style.REFERENCE))
    for name, share, color in lines:
        label = f"{name}: {style.percent(share)}"
        draw(100 * share, color=color, linestyle="--", linewidth=1.2, label=label)


def nothing_to_show(question: str, why: str) -> plt.Figure:
    """A figure with the reason why its variants are missing."""
    figure, axes = new(figsize=(8, 3))
    axes.axis("off")
    axes.text(0.5, 0.5, why, ha="center", va="center")
    figure.suptitle(question)
    return figure


def whole_epochs(axes: plt.Axes) -> None:
    """Label the horizontal axis with epochs."""
    axes.set_xlabel("Epoch")
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))


def without_frame(axes: plt.Axes) -> None:
    """Remove grid, tick marks and frame from the axes of an image."""
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def saved(figure: plt.Figure, stem: str) -> dict[str, bytes]:
    """The contents of STEM.png and STEM.svg, without dates; closes the figure."""
    undated: dict[str, dict[str, Any]] = {
        "png": {"dpi": 150, "metadata": {"Software": None}},
        "svg": {"metadata": {"Date": None, "Creator": None}},
    }
    found = {}
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        # A label may have an emoji, which the font shows as a box.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        # One layout for both formats: each would otherwise repeat it twice.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        for kind, options in undated.items():
            file = io.BytesIO()
            figure.savefig(file, format=kind, **options)
            found[f"{stem}.{kind}"] = file.getvalue()
    plt.close(figure)
    return found
