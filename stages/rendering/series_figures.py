"""Figures of variants that differ in one respect: the size of the noise, and the scheme."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from stages.analysis import series
from stages.analysis.report import Report
from stages.analysis.statistics import t_interval
from stages.rendering import figures, style
from stages.rendering.figures import plt


def little_randomness(report: Report) -> plt.Figure:
    """Symmetry gap of fc1 and final accuracy against ε, the size of the noise on a constant."""
    question = "How little randomness is enough?"
    levels = series.noise(report.study)
    if not levels:
        return figures.nothing_to_show(question, "params.yaml has no constant with noise around it")
    figure, (top, bottom) = figures.new(2, 1, figsize=(8, 6.6), sharex=True)
    names = [name for _, _, name in levels]
    disagree = [place for place, name in enumerate(names) if not report.results.agree(name)]
    _draw_gaps(top, report, names, disagree)
    _draw_accuracies(bottom, report, names, disagree)
    bottom.set_xlim(-0.5, len(names) - 0.5)
    bottom.set_xticks(range(len(names)), [style.power(epsilon) for _, epsilon, _ in levels])
    bottom.set_xlabel(f"ε, where all weights are initially {levels[0][0]:g} + ε·N(0, 1)")
    intervals = "  (95 % intervals over seeds)" if report.study.repetitions() != "1" else ""
    figure.suptitle(question + intervals)
    return figure


def _draw_gaps(axes: plt.Axes, report: Report, names: list[str], disagree: list[int]) -> None:
    """Draw the symmetry gap of fc1 before training, after an epoch, and at the end."""
    last = report.results.epochs(names[0])
    moments = {0: "before training", 1: "after one epoch", last: f"after {last} epochs"}
    for i, (epoch, words) in enumerate(moments.items()):
        gaps = [report.results.probe(name, "fc1", "symmetry_gap", epoch) for name in names]
        _draw_intervals(axes, gaps, disagree if epoch else [], figures.solid(i, label=words))
    axes.set_yscale("symlog", linthresh=1e-5, linscale=0.5)
    axes.set_ylim(-3e-6, 10)
    axes.set_yticks([0, 1e-4, 1e-2, 1], ["0", "10⁻⁴", "10⁻²", "1"])
    axes.set_ylabel("Symmetry gap of fc1")
    axes.legend(loc="lower right", fontsize=9)


def _draw_accuracies(axes: plt.Axes, report: Report, names: list[str], disagree: list[int]) -> None:
    """Draw the final test accuracies with their numbers, chance, and the baseline."""
    accuracies = [100 * report.results.accuracy(name) for name in names]
    _draw_intervals(axes, accuracies, disagree, figures.solid(0), most=100)
    for place, (name, values) in enumerate(zip(names, accuracies, strict=True)):
        ends = style.ends(report.results.ends(name))
        axes.annotate(
            ends.replace("seeds ", "seeds\n") if place in disagree else f"{values.mean():.2f} %",
            (place, values.mean()), xytext=(24, -16),
            textcoords="offset points", ha="center", va="top", fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )  # fmt: skip
    figures.draw_references(report, axes.axhline)
    axes.legend(loc="center right", fontsize=9)
    axes.set(ylim=(0, 108), ylabel="Final test accuracy (%)")


def _draw_intervals(
    axes: plt.Axes,
    samples: Sequence,
    disagree: list[int],
    look: dict[str, Any],
    most: float = np.inf,
) -> None:
    """Draw means with their intervals, or every seed at the places where they disagree.

    Intervals are cut at 0 and at `most`, the highest possible value.
    """
    means, errors = [], []
    for place, values in enumerate(samples):
        mean, low, high = t_interval(values)
        means.append(np.nan if place in disagree else mean)
        errors.append((mean - max(low, 0), min(high, most) - mean))
        if place in disagree:
            axes.plot([place] * len(values), values, "o", color=look["color"], alpha=0.7)
    bars = np.nan_to_num(np.transpose(errors))
    axes.errorbar(range(len(means)), means, yerr=bars, capsize=4, linewidth=1.2, **look)


def depth(report: Report) -> plt.Figure:
    """Signal and gradient by layer before training, with the decay that theory predicts.

    The signal is the standard deviation of activations over images, the gradient that of the
    derivative of an image's loss with respect to a unit's input.
    """
    question = "Does the signal survive depth?"
    variants = series.deep(report.study)
    if not variants:
        why = (
            "params.yaml has no deep ReLU network with PyTorch's default, Xavier's or He's weights"
        )
        return figures.nothing_to_show(question, why)
    figure, panels = figures.new(1, 2, figsize=(11, 5.2), sharex=True)
    titles = {
        "signal": "forward: activations",
        "gradient": "backward: gradients",
    }
    for axes, (quantity, title) in zip(panels, titles.items(), strict=True):
        table = report.depth[report.depth["quantity"] == quantity]
        for i, (scheme, name) in enumerate(variants.items()):
            _draw_scheme(axes, i, style.SCHEME_LABELS[scheme], table[table["variant"] == name])
        axes.set_yscale("log")
        axes.set_xlabel("Hidden layer, from input (left) to output (right)")
        axes.set_title(title)
    panels[0].set_ylabel("Standard deviation")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=9)
    figure.suptitle(
        f"{question}  Before training, mean over seeds\n"
        "(theory: for the gradient, and for the difference between two similar images)"
    )
    return figure


def _draw_scheme(axes: plt.Axes, i: int, label: str, rows: pd.DataFrame) -> None:
    """Draw the measured curve of a scheme, and theory's if theory has one."""
    look = figures.solid(i, linewidth=1.5, markersize=4, label=f"{label}: measured")
    axes.plot(rows["depth"], rows["std"], **look)
    theory = rows["theory"].to_numpy()
    if len(theory) < 2 or not np.isfinite(theory).all():
        return
    gain = Fraction((theory[1] / theory[0]) ** 2).limit_denominator(20)
    axes.plot(
        rows["depth"], theory, "--", color=look["color"], linewidth=1.2, alpha=0.8,
        label=f"{label}: theory, variance × {gain} per layer",
    )  # fmt: skip
