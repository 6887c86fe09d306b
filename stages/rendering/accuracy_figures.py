"""Figures of test accuracy: by epoch, and at the end of training."""

import math

from stages.analysis.report import Report
from stages.analysis.statistics import t_interval
from stages.analysis.study import BASELINE
from stages.rendering import figures, style
from stages.rendering.figures import plt


def learning_curves(report: Report) -> plt.Figure:
    """The lecture's figure: test accuracy by epoch of the variants in the first group."""
    names = report.study.first_group()[: len(style.PALETTE)]
    seeds = report.study.repetitions(*names)
    figure, axes = figures.new(figsize=(8, 5))
    _draw_curves(axes, report, names)
    interval = f"mean and 95 % interval over {seeds} seeds; each seed where they disagree"
    subtitle = interval if seeds != "1" else "one seed"
    axes.set(ylim=(0, 100), ylabel="Test accuracy (%)")
    axes.set_xlim(0, max(map(report.results.epochs, names)) * 1.02)
    figures.whole_epochs(axes)
    axes.set_title(f"Do the initial weights decide what a network learns?\n{subtitle}")
    axes.legend(loc="center right", frameon=True, framealpha=0.9, title="after the last epoch")
    return figure


def _draw_curves(axes: plt.Axes, report: Report, names: list[str]) -> None:
    """Draw a curve for each variant, or for each seed if they disagree."""
    results, looks, endings = report.results, style.looks(report.study), style.endings(report.table)
    for i, name in enumerate(names):
        look = figures.of(looks[name])
        label = f"{figures.plain(results.labels[name])} ({endings[name]})"
        seeds = 100 * results.accuracies(name).T
        if not results.agree(name):
            lines = axes.plot(seeds, color=look["color"], linewidth=1.2)
            lines[0].set_label(label)
            continue
        means, lows, highs = zip(*map(t_interval, seeds), strict=True)
        axes.fill_between(range(len(means)), lows, highs, color=look["color"], alpha=0.3, lw=0)
        # Curves that coincide stay visible: earlier ones are wider, and markers alternate.
        axes.plot(
            means, **look, linewidth=max(1.5, 3 - 0.5 * i), markersize=6, label=label,
            markevery=(i % 4, 4) if len(means) > 5 else None,
        )  # fmt: skip


def final_accuracy(report: Report) -> plt.Figure:
    """The final test accuracy of all variants, sorted: every seed, mean and interval.

    The upper panel is a close-up of the best variants; the lower one has all others.
    """
    table = report.table
    middle = table["test_acc_mean"].fillna((table["test_acc_least"] + table["test_acc_most"]) / 2)
    table = table.loc[middle.sort_values(kind="stable").index]
    best = 100 * table["test_acc_most"].max()
    bound, end = math.floor(best - 2.5), min(100, math.ceil(2 * best + 0.6) / 2)
    near = 100 * table[["test_acc_least", "test_acc_low"]].min(axis=1) >= bound
    panels = [(table[near], (bound, end)), (table[~near], (0, 100))]
    panels = [(rows, span) for rows, span in panels if len(rows)]
    heights = [len(rows) + 1 for rows, _ in panels]
    figure, drawn = figures.new(
        len(panels), figsize=(9, 2 + 0.27 * sum(heights)), height_ratios=heights, squeeze=False
    )
    for axes, (rows, span) in zip(drawn.flat, panels, strict=True):
        _draw_endings(axes, report, list(rows.itertuples()), span)
    handles, labels = drawn[-1, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=9)
    figure.suptitle(
        "How well does each variant learn?  (dots: seeds; diamonds: mean and 95 % interval)"
    )
    return figure


def _draw_endings(axes: plt.Axes, report: Report, rows: list, span: tuple[float, float]) -> None:
    """Draw a row for every variant, and lines at chance and at the baseline, from `span` on."""
    figures.draw_references(report, axes.axvline)
    for place, row in enumerate(rows):
        _draw_ending(axes, place, row, 100 * report.results.accuracy(row.variant))
    counts = ("" if row.outcome.has_mean else f"  ({style.outcome(row)})" for row in rows)
    labels = [figures.plain(row.label) + count for row, count in zip(rows, counts, strict=True)]
    axes.set_yticks(range(len(rows)), labels)
    least, most = span
    part = "" if least == 0 else f", from {least:g} to {most:g} %"
    axes.set(xlim=span, ylim=(-0.7, len(rows) - 0.3), xlabel=f"Test accuracy (%){part}")


def _draw_ending(axes: plt.Axes, place: int, row, accuracies) -> None:
    """Draw a variant's seeds, and their mean with its interval if they have one."""
    axes.plot(
        accuracies, [place] * len(accuracies), "o", color="#999999", markersize=3.5, alpha=0.7
    )
    if not row.outcome.has_mean:
        return
    mean, low, high = (100 * end for end in style.of_row(row, "test_acc"))
    color = style.REFERENCE if row.variant == BASELINE else "#222222"
    axes.plot([low, high], [place] * 2, color=color, linewidth=2, solid_capstyle="butt")
    axes.plot(mean, place, "D", color=color, markersize=5)
