"""Figures of what happens inside the networks: units and moves."""

from typing import Any

import matplotlib as mpl
import numpy as np

from stages.analysis.report import Report
from stages.analysis.results import Results
from stages.rendering import figures, style
from stages.rendering.figures import plt

MAX_VARIANTS = 4  # that have room beside each other
MAX_LAYERS = 6  # that a panel shows, evenly spaced


def why_stuck(report: Report) -> plt.Figure:
    """Distinct units and dead units by epoch: a column for each variant of the first group."""
    study, results = report.study, report.results
    names = study.first_group()[:MAX_VARIANTS]
    figure, panels = figures.new(
        2, len(names), figsize=(max(9, 2.9 * len(names) + 0.6), 5.6),
        sharex=True, sharey="row", squeeze=False,
    )  # fmt: skip
    for column, name in zip(panels.T, names, strict=True):
        _draw_units(column, results, name)
        column[0].set_title(figures.plain(results.labels[name]), fontsize=11)
        figures.whole_epochs(column[1])
    distinct, dead = panels[:, 0]
    distinct.set_yscale("log", base=2)
    distinct.set_ylim(0.8, 1.4 * max(max(study.variants[name].units.values()) for name in names))
    distinct.yaxis.set_major_locator(mpl.ticker.LogLocator(2, numticks=12))
    distinct.yaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%d"))
    distinct.set_ylabel("Distinct units")
    dead.set(ylim=(-5, 105), ylabel="Dead units (%)")
    lines = {line.get_label(): line for axes in panels.flat for line in axes.lines}
    lines = {label: line for label, line in lines.items() if not label.startswith("_")}
    figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=len(lines))
    figure.suptitle(
        "Why is a network stuck?  Its units are equal (top), or dead: they output 0 for all "
        f"{study.probed} examples (bottom)",
        fontsize=12,
    )
    return figure


def _draw_units(column: Any, results: Results, name: str) -> None:
    """Draw distinct and dead units by layer: the mean over seeds, or each seed if they disagree."""
    hidden = results.study.variants[name].layers[:-1]
    for i, layer in enumerate(hidden[:: -(-len(hidden) // MAX_LAYERS) or 1]):
        probes = results.probes
        rows = probes[(probes["variant"] == name) & (probes["layer"] == layer)]
        # Wide lines below narrow ones: those that coincide stay visible.
        look = figures.solid(i, linewidth=4 - min(i, 2), markersize=10 - 4 * min(i, 2))
        probed = rows.assign(dead_units=100 * rows["dead_fraction"].astype(float))
        for axes, probe in zip(column, ("distinct_units", "dead_units"), strict=True):
            curves = probed.pivot(index="epoch", columns="seed", values=probe)
            lines = axes.plot(curves.mean(axis=1) if results.agree(name) else curves, **look)
            lines[0].set_label(layer)


def who_moved(report: Report) -> plt.Figure:
    """Variant × tensor: the largest move over all seeds, and the step of the first one.

    Only variants with the layers of the study's own network.
    """
    study, results = report.study, report.results
    question = "Which tensors move?"
    names = study.same_layers()
    if not names:
        return figures.nothing_to_show(question, "no variant has the layers of `network`")
    tensors = [(la, kind) for la in study.variants[names[0]].layers for kind in ("weight", "bias")]
    found = [[results.move(name, *tensor) for tensor in tensors] for name in names]
    moves, steps = np.moveaxis(np.array(found), -1, 0)
    figure, axes = figures.new(figsize=(2.2 + 1.15 * len(tensors), 1.6 + 0.34 * len(names)))
    moved = np.where(np.isfinite(moves) & (moves > 0), moves, np.nan)
    finite = moved[np.isfinite(moved)]
    norm = mpl.colors.LogNorm(min(1e-3, finite.min(initial=1e-3)), finite.max(initial=1.0))
    picture = axes.imshow(moved, cmap="Blues", norm=norm, aspect="auto")
    for (i, j), move in np.ndenumerate(moves):
        axes.text(j, i, **_cell(move, steps[i, j], norm), ha="center", va="center")
    axes.set_xticks(range(len(tensors)), [".".join(tensor) for tensor in tensors])
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(names)), [figures.plain(results.labels[name]) for name in names])
    figures.without_frame(axes)
    figure.colorbar(picture, ax=axes, shrink=0.6).ax.set_title("move", fontsize=9)
    figure.suptitle(
        f"{question}  Largest move of a value from its initial value, over all seeds\n"
        "0: unchanged;  @n: first changed at step n in the earliest seed; no mark: at step 1",
        fontsize=12,
    )
    return figure


def _cell(move: float, step: float, norm: mpl.colors.Normalize) -> dict[str, Any]:
    """The text of a cell of who_moved, as keyword arguments."""
    if move == 0:
        return {"s": "0", "color": style.CHANCE, "weight": "bold"}
    if not np.isfinite(move):
        return {"s": "diverged", "fontsize": 9}
    words = f"{move:.2g}" + (f"  @{step:.0f}" if step > 1 else "")
    return {"s": words, "color": "w" if norm(move) > 0.6 else "k", "fontsize": 9}
