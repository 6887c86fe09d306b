"""The figures of README, note and `dvc plots`, as matplotlib figures with fixed bytes."""

import io
import os
import warnings
from typing import Any

os.environ["MPLBACKEND"] = "agg"  # whatever a user's shell says

import matplotlib as mpl
import matplotlib.pyplot as plt

from stages.rendering.style import Look

mpl.rcdefaults()  # whatever a user's matplotlibrc says

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
LONGEST = 40  # characters of a label in a figure, which has a size; reports have all of it
MARKERS = {
    "circle": "o", "square": "s", "triangle-up": "^", "diamond": "D", "triangle-down": "v",
    "cross": "P",
}  # fmt: skip


def new(*shape: int, **options: Any) -> tuple[plt.Figure, Any]:
    """A figure and its axes in the house's style; closed by `saved`."""
    with mpl.rc_context(STYLE):
        return plt.subplots(*shape, layout="constrained", **options)


def of(look: Look) -> dict[str, Any]:
    """A look as matplotlib's keyword arguments."""
    # matplotlib takes dashes times the width of the line.
    dash = "-" if look.dash == [1, 0] else (0, [length / 2 for length in look.dash])
    return {"color": look.color, "linestyle": dash, "marker": MARKERS[look.shape]}


def plain(label: str) -> str:
    """A label as it is, where it is not too long: not as mathematics, and in legends too."""
    half = LONGEST // 2  # labels can differ in their ends alone
    shown = label if len(label) <= LONGEST else f"{label[:half]}…{label[1 - half :]}"
    shown = shown.replace("$", r"\$")
    # What begins with an underscore has no place in a legend.
    return f"\N{ZERO WIDTH SPACE}{shown}" if shown.startswith("_") else shown


def nothing_to_show(question: str, why: str) -> plt.Figure:
    """What stands in a figure's place where its variants are not in params.yaml."""
    figure, axes = new(figsize=(8, 3))
    axes.axis("off")
    axes.text(0.5, 0.5, why, ha="center", va="center")
    figure.suptitle(question)
    return figure


def whole_epochs(axes: plt.Axes) -> None:
    """Label the horizontal axis with epochs."""
    axes.set_xlabel("Epoch")
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))


def saved(figure: plt.Figure, stem: str) -> dict[str, bytes]:
    """What to write as STEM.png and STEM.svg, without dates; the figure is closed."""
    undated: dict[str, dict[str, Any]] = {
        "png": {"dpi": 150, "metadata": {"Software": None}},
        "svg": {"metadata": {"Date": None, "Creator": None}},
    }
    found = {}
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        # A label may have an emoji: where the font has none, a box is drawn.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        # Arranged once: otherwise each format would arrange it again, twice.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        for kind, options in undated.items():
            file = io.BytesIO()
            figure.savefig(file, format=kind, **options)
            found[f"{stem}.{kind}"] = file.getvalue()
    plt.close(figure)
    return found
