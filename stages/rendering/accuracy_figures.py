"""Figures of what is learned: test accuracy by epoch, and at the end."""

import math

from stages.analysis.report import Report
from stages.analysis.statistics import t_interval
from stages.analysis.study import BASELINE, Study
from stages.rendering import figures, style
from stages.rendering.figures import plt

MAX_NAMED = 24  # curves of a panel that a legend can tell apart


def learning_curves(report: Report) -> plt.Figure:
    """The lecture's figure: test accuracy by epoch, a curve a variant of the first group."""
    study = report.study
    figure, axes = figures.new(figsize=(8, 5))
    names = study.first_group()[: len(style.PALETTE)]
    _draw_curves(axes, report, names)
    axes.set_ylabel("Test accuracy (%)")
    axes.set_title(
        f"Does the initial value of the weights decide what is learned?\n{_spread(study)}"
    )
    axes.legend(loc="center right", frameon=True, framealpha=0.9, title="at the last epoch")
    return figure


def all_variants(report: Report) -> plt.Figure:
    """Test accuracy by epoch of all variants: a panel a group, with the baseline in each."""
    study, results = report.study, report.results
    groups = study.groups()
    columns = min(2, len(groups))
    rows = -(-len(groups) // columns)
    tall = min(MAX_NAMED, max(map(len, groups.values())))
    figure, panels = figures.new(
        rows, columns, figsize=(max(8, 4.7 * columns), (2.9 + 0.2 * tall) * rows + 0.5),
        sharey=True, squeeze=False,
    )  # fmt: skip
    for axes, (group, names) in zip(panels.flat, groups.items(), strict=False):
        last = _draw_curves(axes, report, names)
        if BASELINE in study.variants and BASELINE not in names and results.agree(BASELINE):
            seen = 100 * results.curve(BASELINE)[: last + 1]
            axes.plot(
                seen, color="#777777", linestyle=":", linewidth=1.5, zorder=1,
                label=f"baseline ({seen[-1]:.2f} %)",
            )  # fmt: skip
        axes.set_title(figures.plain(group))
        if len(names) <= MAX_NAMED:
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), fontsize=9, frameon=False)
    for axes in panels[:, 0]:
        axes.set_ylabel("Test accuracy (%)")
    for axes in panels.flat[len(groups) :]:
        axes.set_visible(False)
    figure.suptitle(f"Which ways to start learn, and which never do?\n{_spread(study)}")
    return figure


def _spread(study: Study) -> str:
    """What the curves show of the seeds."""
    if study.seeds == 1:
        return "one seed"
    return f"mean and 95 % interval over {study.seeds} seeds; every seed where they part ways"


def _draw_curves(axes: plt.Axes, report: Report, names: list[str]) -> int:
    """Draw a curve a variant, or a line a seed where they part ways; the last epoch."""
    study, results, table = report.study, report.results, report.table
    looks, endings = style.looks(study), style.endings(table)
    parted = {row.variant for row in table.itertuples() if not row.outcome.has_mean}
    for i, name in enumerate(names):
        look = figures.of(looks[name])
        label: str | None = f"{figures.plain(study.variants[name].label)} ({endings[name]})"
        epochs = range(results.epochs(name) + 1)
        seeds = [100 * results.accuracy(name, epoch) for epoch in epochs]
        if name in parted:
            for curve in zip(*seeds, strict=True):
                axes.plot(epochs, curve, color=look["color"], linewidth=1.2, label=label)
                label = None
            continue
        means, lows, highs = zip(*map(t_interval, seeds), strict=True)
        axes.fill_between(epochs, lows, highs, color=look["color"], alpha=0.3, linewidth=0)
        # Curves that coincide stay visible: the first is the widest, and each one's markers
        # stand at other epochs.
        axes.plot(
            epochs, means, **look, linewidth=max(1.5, 3 - 0.5 * i), markersize=6, label=label,
            markevery=(i % 4, 4) if len(epochs) > 5 else None,
        )  # fmt: skip
    last = max(map(results.epochs, names))
    axes.set_ylim(0, 100)
    axes.set_xlim(0, last * 1.02)
    figures.whole_epochs(axes)
    return last


def final_accuracy(report: Report) -> plt.Figure:
    """The final test accuracy of all variants, sorted: every seed, mean and interval."""
    results, table = report.results, report.table
    middle = table["test_acc_mean"].fillna((table["test_acc_least"] + table["test_acc_most"]) / 2)
    order = middle.sort_values(kind="stable").index
    rows = list(table.loc[order].itertuples())
    baseline = [
        100 * row.test_acc_mean for row in rows if row.variant == BASELINE and row.outcome.has_mean
    ]
    # Where the starts lie that end about as well as the baseline.
    top = 100 * max(row.test_acc_most for row in rows)
    around = baseline[0] if baseline else 100 * rows[-1].test_acc_most
    zoom = (math.floor(around - 2.5), min(100, math.ceil(2 * top + 0.6) / 2))
    figure, (whole, close) = figures.new(
        1, 2, figsize=(10, 1.6 + 0.27 * len(rows)), sharey=True, width_ratios=[3, 2]
    )
    chance = 100 * results.commonest
    # Words stand between the two lines if there is room, else outside.
    sides = ("left", "right") if around > 50 else ("right", "left")
    lines = [(chance, f"chance: {chance:.2f} %", style.CHANCE, sides[0])]
    lines += [(at, f"baseline: {at:.2f} %", style.REFERENCE, sides[1]) for at in baseline]
    for axes, least in ((whole, 0), (close, zoom[0])):
        for at, _, color, _ in lines:
            axes.axvline(at, color=color, linestyle="--", linewidth=1.2)
        for place, row in enumerate(rows):
            _draw_ending(axes, place, row, 100 * results.accuracy(row.variant), least)
    for at, words, color, side in lines:
        whole.annotate(
            words, (at, 1), xycoords=("data", "axes fraction"), xytext=(0, 4),
            textcoords="offset points", color=color, ha=side, va="bottom", fontsize=9,
        )  # fmt: skip
    labels = [
        figures.plain(row.label) + ("" if row.outcome.has_mean else f"  ({style.outcome(row)})")
        for row in rows
    ]
    whole.set_yticks(range(len(rows)), labels)
    whole.set_ylim(-0.7, len(rows) - 0.3)
    whole.set_xlim(0, 100)
    close.set_xlim(zoom)
    whole.set_xlabel("Test accuracy (%)")
    close.set_xlabel(f"the same, {zoom[0]:g} to {zoom[1]:g} %")
    figure.suptitle(
        "How well does every start end?  (dots: seeds; diamonds: mean and 95 % interval)"
    )
    return figure


def _draw_ending(axes: plt.Axes, place: int, row, seeds, least: float) -> None:
    if seeds.max() < least:
        return
    axes.plot(seeds, [place] * len(seeds), "o", color="#999999", markersize=3.5, alpha=0.7)
    mean, low, high = (100 * end for end in style.of_row(row, "test_acc"))
    if not row.outcome.has_mean or mean < least:
        return
    color = style.REFERENCE if row.variant == BASELINE else "#222222"
    axes.plot([low, high], [place] * 2, color=color, linewidth=2, solid_capstyle="butt")
    axes.plot(mean, place, "D", color=color, markersize=5)
