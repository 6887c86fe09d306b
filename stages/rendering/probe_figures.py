"""Figures of why: what the probes saw inside the networks."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import matplotlib as mpl
import numpy as np
from safetensors.numpy import load_file

from stages.analysis import series
from stages.analysis.report import Report
from stages.analysis.statistics import t_interval
from stages.analysis.study import BASELINE
from stages.rendering import figures, style
from stages.rendering.figures import plt
from stages.rendering.images import SIDE

PROBES = ("distinct_units", "dead_fraction")  # that why_stuck shows
MAX_LAYERS = 6  # that a panel shows, evenly spaced


def why_stuck(report: Report) -> plt.Figure:
    """Distinct units and dead units by epoch: a column a variant.

    The mean over seeds, or every seed where they part ways.
    """
    study, results = report.study, report.results
    names = study.first_group()[:4]
    figure, panels = figures.new(
        2, len(names), figsize=(max(9, 2.9 * len(names) + 0.6), 5.6),
        sharex=True, sharey="row", squeeze=False,
    )  # fmt: skip
    widest = 1
    for column, name in zip(panels.T, names, strict=True):
        *hidden, _ = results.layers(name)
        step = -(-len(hidden) // MAX_LAYERS)
        for i, layer in enumerate(hidden[::step]):
            probes = results.probes
            rows = probes[(probes["variant"] == name) & (probes["layer"] == layer)]
            look = figures.of(style.look(i)) | {"linestyle": "-"}
            # What lies below stays visible around what lies on it.
            look |= {"linewidth": 4 - min(i, 2), "markersize": 10 - 4 * min(i, 2)}
            parted = not results.agree(name)
            for axes, probe, times in zip(column, PROBES, (1, 100), strict=True):
                curves = times * rows.set_index(["epoch", "seed"])[probe].astype(float).unstack()
                lines = axes.plot(curves if parted else curves.mean(axis=1), **look)
                lines[0].set_label(layer)
            widest = max(widest, rows["distinct_units"].max())
        column[0].set_title(figures.plain(study.variants[name].label), fontsize=11)
        figures.whole_epochs(column[1])
    first = panels[0, 0]
    first.set_yscale("log", base=2)
    first.set_ylim(0.8, 1.4 * widest)
    first.yaxis.set_major_locator(mpl.ticker.LogLocator(2, numticks=12))
    first.yaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%d"))
    first.set_ylabel("Distinct units")
    panels[1, 0].set_ylim(-5, 105)
    panels[1, 0].set_ylabel("Dead units (%)")
    panels[0, -1].legend(loc="center right", title="layer")
    figure.suptitle(
        "Why is it stuck?  Units are equal (top), or answer to none of "
        f"{study.probed} images (bottom)"
    )
    return figure


def first_weights(report: Report) -> plt.Figure:
    """The incoming weights of fc1's first units as images, before and after training."""
    study = report.study
    names = study.first_group()[:4]
    snapshots = load_file(report.tables / "snapshots.safetensors")
    figure, panels = figures.new(
        len(names), 2, figsize=(9.5, 1.12 * len(names) + 0.7), squeeze=False
    )
    for row, name in zip(panels, names, strict=True):
        scale = float(snapshots[f"{name}/largest"][0]) / 127
        kept = snapshots[f"{name}/fc1.weight"]
        pair = [scale * kept[place].astype(float) for place in (0, -1)]
        largest = max(np.abs(images).max() for images in pair)
        for axes, images in zip(row, pair, strict=True):
            picture = axes.imshow(
                _mosaic(images), cmap="RdBu_r", vmin=-largest or -1, vmax=largest or 1,
                interpolation="nearest", aspect="equal",
            )  # fmt: skip
            axes.set(xticks=[], yticks=[])
            axes.grid(False)
            axes.spines[:].set_visible(False)
            if not images.any():
                axes.text(
                    0.5, 0.5, "exactly 0", transform=axes.transAxes, ha="center", va="center",
                    bbox={"facecolor": "white", "edgecolor": "none"},
                )  # fmt: skip
        label = figures.plain(study.variants[name].label).replace(" ", "\n", 1)
        row[0].set_ylabel(label, rotation=0, ha="right", va="center")
        bar = figure.colorbar(picture, ax=list(row), shrink=0.9, aspect=10)
        # Its place stays, so that the pictures of all rows are of one size.
        bar.ax.set_visible(largest > 0)
    panels[0, 0].set_title("before training")
    panels[0, 1].set_title("after training")
    figure.suptitle(f"What does the network see?  The weights of fc1's first {len(kept[0])} units")
    return figure


def _mosaic(images: np.ndarray) -> np.ndarray:
    """Images `[n, 784]` in two rows, with a gap between them."""
    columns = -(-len(images) // 2)
    gap = 2
    picture = np.full((2 * SIDE + gap, columns * (SIDE + gap) - gap), np.nan)
    for i, image in enumerate(images):
        top, left = (i // columns) * (SIDE + gap), (i % columns) * (SIDE + gap)
        picture[top : top + SIDE, left : left + SIDE] = image.reshape(SIDE, SIDE)
    return picture


def who_moved(report: Report) -> plt.Figure:
    """Tensor × variant: the largest move of any seed, and the step of the first one.

    Only variants with the layers that most of them have: a deep network's would not fit.
    """
    study, results = report.study, report.results
    every = Counter(tuple(variant.layers) for variant in study.variants.values())
    layers = list(every.most_common(1)[0][0])
    names = [v.name for v in study.variants.values() if v.layers == layers]
    tensors = [(layer, kind) for layer in layers for kind in ("weight", "bias")]
    moves = np.empty((len(names), len(tensors)))
    steps = np.empty(moves.shape)
    for i, name in enumerate(names):
        for j, (layer, kind) in enumerate(tensors):
            moves[i, j], steps[i, j] = results.move(name, layer, kind)
    figure, axes = figures.new(figsize=(2.2 + 1.15 * len(tensors), 1.6 + 0.34 * len(names)))
    moved = np.where(np.isfinite(moves) & (moves > 0), moves, np.nan)
    seen = moved[np.isfinite(moved)]
    norm = mpl.colors.LogNorm(min(1e-3, seen.min(initial=1e-3)), seen.max(initial=1.0))
    picture = axes.imshow(moved, cmap="Blues", norm=norm, aspect="auto")
    for (i, j), move in np.ndenumerate(moves):
        axes.text(j, i, **_cell(move, steps[i, j], norm), ha="center", va="center")
    axes.set_xticks(range(len(tensors)), [".".join(tensor) for tensor in tensors])
    axes.xaxis.tick_top()
    axes.set_yticks(
        range(len(names)), [figures.plain(study.variants[name].label) for name in names]
    )
    axes.grid(False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(picture, ax=axes, shrink=0.6).ax.set_title("move", fontsize=9)
    figure.suptitle(
        "Who moved?  Largest move of a value from its start, of any seed\n"
        "0: not by one bit;  @n: first at step n in the earliest seed, else at step 1"
    )
    return figure


def _cell(move: float, step: float, norm: mpl.colors.Normalize) -> dict[str, Any]:
    """What stands in a cell of who_moved."""
    if move == 0:
        return {"s": "0", "color": style.CHANCE, "weight": "bold"}
    if not np.isfinite(move):
        return {"s": "diverged", "fontsize": 9}
    words = f"{move:.2g}" + (f"  @{step:.0f}" if step > 1 else "")
    return {"s": words, "color": "w" if norm(move) > 0.6 else "k", "fontsize": 9}


def little_randomness(report: Report) -> plt.Figure:
    """Symmetry gap of fc1 and final accuracy against ε, the size of the noise on a constant."""
    study, results = report.study, report.results
    question = "How little randomness is enough?"
    levels = series.noise(study)
    if not levels:
        return figures.nothing_to_show(question, "params.yaml has no constant with noise around it")
    names = [name for _, _, name in levels]
    figure, (top, bottom) = figures.new(2, 1, figsize=(8, 6.6), sharex=True)
    last = results.epochs(names[0])
    parted = [place for place, name in enumerate(names) if not results.agree(name)]
    moments = {0: "before training", 1: "after one epoch", last: f"after {last} epochs"}
    for i, (epoch, words) in enumerate(moments.items()):
        gaps = [results.probe(name, "fc1", "symmetry_gap", epoch) for name in names]
        _draw_intervals(top, gaps, parted if epoch else [], i, words)
    top.set_yscale("symlog", linthresh=1e-5, linscale=0.5)
    top.set_ylim(-3e-6, 10)
    top.set_yticks([0, 1e-4, 1e-2, 1], ["0", "10⁻⁴", "10⁻²", "1"])
    top.set_ylabel("Symmetry gap of fc1")
    top.legend(loc="lower right", fontsize=9)
    accuracies = [100 * results.accuracy(name) for name in names]
    _draw_intervals(bottom, accuracies, parted, 0, None, most=100)
    for place, (name, values) in enumerate(zip(names, accuracies, strict=True)):
        bottom.annotate(
            style.ends(results.ends(name)) if place in parted else f"{values.mean():.2f} %",
            (place, values.mean()), xytext=(0, -22),
            textcoords="offset points", ha="center", fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )  # fmt: skip
    lines = [(results.commonest, "chance", style.CHANCE)]
    if BASELINE in study.variants and results.agree(BASELINE):
        lines.append((results.accuracy(BASELINE).mean(), "baseline", style.REFERENCE))
    for share, words, color in lines:
        bottom.axhline(100 * share, color=color, linestyle="--", linewidth=1.2)
        words = f"{words} {style.percent(share)}"
        bottom.text(-0.45, 100 * share + 1.5, words, color=color, fontsize=9)
    bottom.set_ylim(0, 108)
    bottom.set_xlim(-0.5, len(names) - 0.5)
    bottom.set_ylabel("Final test accuracy (%)")
    bottom.set_xticks(range(len(names)), [style.power(epsilon) for _, epsilon, _ in levels])
    bottom.set_xlabel(f"ε, where all weights start at {levels[0][0]:g} + ε·N(0, 1)")
    figure.suptitle(question + ("  (95 % intervals over seeds)" if study.seeds > 1 else ""))
    return figure


def _draw_intervals(
    axes: plt.Axes,
    samples: Sequence,
    parted: list[int],
    i: int,
    label: str | None,
    most: float = np.inf,
) -> None:
    """Means with their intervals; at the places where seeds part ways, every seed.

    No interval leads below 0 or above the `most` that there can be.
    """
    look = figures.of(style.look(i)) | {"linestyle": "-", "linewidth": 1.2, "label": label}
    means, errors = [], []
    for place, values in enumerate(samples):
        mean, low, high = t_interval(values)
        means.append(np.nan if place in parted else mean)
        errors.append((mean - max(low, 0), min(high, most) - mean))
        if place in parted:
            axes.plot([place] * len(values), values, "o", color=look["color"], alpha=0.7)
    bars = np.nan_to_num(np.transpose(errors))
    axes.errorbar(range(len(means)), means, yerr=bars, capsize=4, **look)


def depth(report: Report) -> plt.Figure:
    """Signal and gradient by layer before training, with what theory says of their decay.

    The signal is the standard deviation of activations over images, the
    gradient that of an image's loss at what goes into them.
    """
    study, table = report.study, report.depth
    question = "Does the signal survive depth?"
    if not series.deep(study):
        why = (
            "params.yaml has no deep ReLU network with PyTorch's default, Xavier's or He's weights"
        )
        return figures.nothing_to_show(question, why)
    figure, panels = figures.new(1, 2, figsize=(11, 5.2), sharex=True)
    titles = {
        "signal": "forward: activations, std over images",
        "gradient": "backward: gradient of an image's loss, std",
    }
    for axes, (quantity, title) in zip(panels, titles.items(), strict=True):
        for i, (scheme, name) in enumerate(series.deep(study).items()):
            rows = table[(table["variant"] == name) & (table["quantity"] == quantity)]
            look = figures.of(style.look(i)) | {"linestyle": "-", "linewidth": 1.5}
            label = style.SCHEMES[scheme]
            axes.plot(rows["depth"], rows["std"], **look, markersize=4, label=f"{label}: measured")
            theory = rows["theory"].to_numpy()
            if len(theory) < 2 or not np.isfinite(theory).all():
                continue
            gain = Fraction((theory[1] / theory[0]) ** 2).limit_denominator(20)
            axes.plot(
                rows["depth"], theory, "--", color=look["color"], linewidth=1.2, alpha=0.8,
                label=f"{label}: theory, variance × {gain} a layer",
            )  # fmt: skip
        axes.set_yscale("log")
        axes.set_xlabel("Hidden layer, from input (left) to output (right)")
        axes.set_title(title)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=9)
    figure.suptitle(
        f"{question}  Before training, mean over seeds\n"
        "(theory: of the gradient, and of the difference between images that are nearly alike)"
    )
    return figure
