"""The pictures of why: what the probes saw inside the networks."""

from collections import Counter
from collections.abc import Iterable

import matplotlib as mpl
import numpy as np

from stages.figures import MARKERS, PALETTE, new_figure, nothing_to_show, plt
from stages.measured import Measured
from stages.params import Params
from stages.statistics import t_interval
from stages.words import power

SEEN = 16  # units of fc1 whose weights are shown
SIDE = 28  # of an image, in pixels
MAX_LAYERS = 6  # that a panel shows, evenly spaced
PROBED = 512  # images that units are looked at with: stages/probes.py


def why_stuck(measured: Measured, variants: list[str], label) -> plt.Figure:
    """Distinct units and dead units by epoch, the mean over seeds: a column a variant."""
    figure, panels = new_figure(
        2, len(variants), figsize=(2.9 * len(variants) + 0.6, 5.6),
        sharex=True, sharey="row", squeeze=False,
    )  # fmt: skip
    widest = 1
    for column, variant in zip(panels.T, variants, strict=True):
        *hidden, _ = measured.layers(variant)
        step = -(-len(hidden) // MAX_LAYERS)
        for i, layer in enumerate(hidden[::step]):
            rows = measured.probes[
                (measured.probes["variant"] == variant) & (measured.probes["layer"] == layer)
            ]
            means = rows.groupby("epoch")[["distinct_units", "dead_fraction"]].mean()
            widest = max(widest, means["distinct_units"].max())
            style = {
                "color": PALETTE[i % len(PALETTE)], "marker": MARKERS[i % len(MARKERS)],
                # What lies below stays visible around what lies on it.
                "linewidth": 4 - min(i, 2), "markersize": 10 - 4 * min(i, 2), "label": layer,
            }  # fmt: skip
            column[0].plot(means.index, means["distinct_units"], **style)
            column[1].plot(means.index, 100 * means["dead_fraction"].astype(float), **style)
        column[0].set_title(label(variant), fontsize=11)
        column[1].set_xlabel("Epoch")
        column[1].xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
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
        f"Why is it stuck?  Units are equal (top), or answer to none of {PROBED} images (bottom)"
    )
    return figure


def first_weights(weights: dict[str, tuple[np.ndarray, np.ndarray]], label) -> plt.Figure:
    """The incoming weights of fc1's first units as images, before and after training.

    `weights` by variant: fc1's weights `[units, 784]` before and after.
    """
    question = "What does the network see?  The weights of fc1's first 16 units"
    height = 1.12 * len(weights)
    figure, panels = new_figure(len(weights), 2, figsize=(9.5, height + 0.7), squeeze=False)
    for row, (variant, pair) in zip(panels, weights.items(), strict=True):
        largest = max(np.abs(images[:SEEN]).max() for images in pair)
        for axes, images in zip(row, pair, strict=True):
            picture = axes.imshow(
                _mosaic(images[:SEEN]), cmap="RdBu_r", vmin=-largest or -1, vmax=largest or 1,
                interpolation="nearest", aspect="equal",
            )  # fmt: skip
            axes.set_xticks([])
            axes.set_yticks([])
            axes.grid(False)
            axes.spines[:].set_visible(False)
            if not images[:SEEN].any():
                axes.text(
                    0.5, 0.5, "exactly 0", transform=axes.transAxes, ha="center", va="center",
                    bbox={"facecolor": "white", "edgecolor": "none"},
                )  # fmt: skip
        row[0].set_ylabel(label(variant).replace(" ", "\n", 1), rotation=0, ha="right", va="center")
        bar = figure.colorbar(picture, ax=list(row), shrink=0.9, aspect=10)
        if largest == 0:
            bar.remove()
            # Its place stays free, so that the pictures of all rows are of one size.
            figure.colorbar(picture, ax=list(row), shrink=0.9, aspect=10).ax.set_visible(False)
    panels[0, 0].set_title("before training")
    panels[0, 1].set_title("after training")
    figure.suptitle(question)
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


def who_moved(measured: Measured, settings: Params) -> plt.Figure:
    """Tensor × variant: the largest move (mean over seeds), and the step of the first one.

    Only variants with the layers that most of them have: a deep network's would not fit.
    """
    every = Counter(tuple(measured.layers(variant)) for variant in settings.variants)
    layers = list(every.most_common(1)[0][0])
    variants = [v for v in settings.variants if measured.layers(v) == layers]
    tensors = [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]
    moves = np.empty((len(variants), len(tensors)))
    steps = np.full(moves.shape, np.nan)
    for i, variant in enumerate(variants):
        for j, tensor in enumerate(tensors):
            layer, kind = tensor.split(".")
            moves[i, j] = measured.probe(variant, layer, f"{kind}_move", -1).mean()
            first = measured.probe(variant, layer, f"{kind}_moved_at", -1)
            steps[i, j] = first.min() if len(first) else np.nan
    figure, axes = new_figure(figsize=(2.2 + 1.15 * len(tensors), 1.6 + 0.34 * len(variants)))
    moved = np.where(np.isfinite(moves) & (moves > 0), moves, np.nan)
    seen = moved[np.isfinite(moved)]
    norm = mpl.colors.LogNorm(min(1e-3, seen.min(initial=1e-3)), seen.max(initial=1.0))
    colors = plt.get_cmap("Blues").copy()
    colors.set_bad("#ffffff")
    picture = axes.imshow(moved, cmap=colors, norm=norm, aspect="auto")
    for (i, j), move in np.ndenumerate(moves):
        if move == 0:
            axes.text(j, i, "0", ha="center", va="center", color="#d55e00", weight="bold")
            continue
        if not np.isfinite(move):
            axes.text(j, i, "diverged", ha="center", va="center", fontsize=9)
            continue
        words = f"{move:.2g}" + (f"  @{steps[i, j]:.0f}" if steps[i, j] > 1 else "")
        dark = norm(move) > 0.6
        axes.text(j, i, words, ha="center", va="center", color="w" if dark else "k", fontsize=9)
    axes.set_xticks(range(len(tensors)), tensors)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(variants)), [settings.label_of(v) for v in variants])
    axes.grid(False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(picture, ax=axes, shrink=0.6, label="largest move of a value from its start")
    figure.suptitle(
        "Who moved?  Largest move of a value from its start, mean over seeds\n"
        "0: not by one bit in any seed;  @n: first at step n in the earliest seed, else at step 1"
    )
    return figure


def noise_levels(settings: Params) -> dict[float, list[tuple[float, str]]]:
    """For every constant c, the (ε, variant) that start all weights at c + ε·N(0, 1), by ε."""
    levels: dict[float, list[tuple[float, str]]] = {}
    for name, variant in settings.variants.items():
        weight = variant.all.weight
        alone = not variant.layers and settings.network_of(name) == settings.network
        if weight is None or not alone or settings.training_of(name) != settings.training:
            continue
        if weight.name == "normal" and weight.kwargs.get("mean"):
            spread = weight.kwargs.get("std", 1.0)  # torch.nn.init.normal_'s default
            levels.setdefault(weight.kwargs["mean"], []).append((spread, name))
        elif weight.name == "constant":
            levels.setdefault(weight.kwargs["val"], []).append((0.0, name))
    return {c: sorted(pairs) for c, pairs in levels.items() if len(pairs) > 1}


def little_randomness(measured: Measured, settings: Params, baseline: str) -> plt.Figure:
    """Symmetry gap of fc1 and final accuracy against ε, the size of the noise on a constant."""
    question = "How little randomness is enough?"
    levels = noise_levels(settings)
    if not levels:
        return nothing_to_show(question, "params.yaml has no constant with noise around it")
    constant, pairs = max(levels.items(), key=lambda item: len(item[1]))
    figure, (top, bottom) = new_figure(2, 1, figsize=(8, 6.6), sharex=True)
    places = range(len(pairs))
    last = measured.epochs(pairs[0][1])
    for i, (epoch, words) in enumerate(
        [(0, "before training"), (1, "after one epoch"), (last, f"after {last} epochs")]
    ):
        gaps = [measured.probe(v, "fc1", "symmetry_gap", epoch) for _, v in pairs]
        _intervals(top, places, gaps, i, words)
    top.set_yscale("symlog", linthresh=1e-5, linscale=0.5)
    top.set_ylim(-3e-6, 10)
    top.set_yticks([0, 1e-4, 1e-2, 1], ["0", "10⁻⁴", "10⁻²", "1"])
    top.set_ylabel("Symmetry gap of fc1")
    top.legend(loc="lower right", fontsize=9)
    accuracies = [100 * measured.accuracy(v) for _, v in pairs]
    _intervals(bottom, places, accuracies, 0, None)
    for place, values in zip(places, accuracies, strict=True):
        bottom.annotate(
            f"{values.mean():.2f} %", (place, values.mean()), xytext=(0, -22),
            textcoords="offset points", ha="center", fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )  # fmt: skip
    lines = [(measured.commonest, "chance", "#d55e00")]
    if baseline in settings.variants:
        lines.append((measured.accuracy(baseline).mean(), "baseline", "#0072b2"))
    for value, words, color in lines:
        bottom.axhline(100 * value, color=color, linestyle="--", linewidth=1.2)
        bottom.text(
            -0.45, 100 * value + 1.5, f"{words} {100 * value:.2f} %", color=color, fontsize=9
        )
    bottom.set_ylim(0, 108)
    bottom.set_xlim(-0.5, len(pairs) - 0.5)
    bottom.set_ylabel("Final test accuracy (%)")
    bottom.set_xticks(places, [power(epsilon) for epsilon, _ in pairs])
    bottom.set_xlabel(f"ε, where all weights start at {constant:g} + ε·N(0, 1)")
    figure.suptitle(f"{question}  (95 % intervals over seeds)")
    return figure


def _intervals(axes: plt.Axes, places: Iterable[int], samples: list, i: int, label) -> None:
    intervals = [t_interval(values) for values in samples]
    means = [mean for mean, _, _ in intervals]
    errors = [[mean - low for mean, low, _ in intervals], [h - mean for mean, _, h in intervals]]
    axes.errorbar(
        places, means, yerr=np.nan_to_num(errors), color=PALETTE[i], marker=MARKERS[i],
        linestyle="-", linewidth=1.2, capsize=4, label=label,
    )  # fmt: skip


# Gain of the variance in one ReLU layer, by the variance of its weights: fan_in · Var[w] / 2
# (He et al. 2015, equations 10 and 14). PyTorch's default has 1/(3 fan_in), Xavier 1/fan_in
# between layers of equal width, He 2/fan_in. With biases it is the gain of the difference
# between nearly equal inputs (Schoenholz et al. 2017, χ at equal inputs).
GAINS = {"default": (1 / 6, "1/6"), "xavier": (1 / 2, "1/2"), "he": (1.0, "1")}


def depth(measured: Measured, variants: dict[str, str], label) -> plt.Figure:
    """Signal and gradient by layer before training, with what theory says of their decay.

    `variants` by scheme (`default`, `xavier`, `he`). The signal is the standard deviation of
    activations over images, the gradient that of an image's loss at what goes into them.
    """
    question = "Does the signal survive depth?"
    if not variants:
        return nothing_to_show(question, "params.yaml has no deep_default, deep_xavier or deep_he")
    figure, (forward, backward) = new_figure(1, 2, figsize=(11, 5.2), sharex=True)
    for i, (scheme, variant) in enumerate(variants.items()):
        *hidden, _ = measured.layers(variant)
        places = np.arange(1, len(hidden) + 1)
        gain, name = GAINS[scheme]
        for axes, column, start in ((forward, "signal_std", 0), (backward, "gradient_std", -1)):
            values = [measured.probe(variant, layer, column, 0).mean() for layer in hidden]
            axes.plot(
                places, values, color=PALETTE[i], marker=MARKERS[i], markersize=4, linewidth=1.5,
                label=f"{label(scheme)}: measured",
            )  # fmt: skip
            theory = values[start] * gain ** (np.abs(places - places[start]) / 2)
            axes.plot(
                places, theory, color=PALETTE[i], linestyle="--", linewidth=1.2, alpha=0.8,
                label=f"{label(scheme)}: theory, variance × {name} a layer",
            )  # fmt: skip
    for axes in (forward, backward):
        axes.set_yscale("log")
        axes.set_xlabel("Hidden layer, from input (left) to output (right)")
    forward.set_title("forward: activations, std over images")
    backward.set_title("backward: gradient of an image's loss, std")
    handles, labels = forward.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=9)
    figure.suptitle(
        f"{question}  Before training, mean over seeds\n"
        "(theory: of the gradient, and of the difference between images that are nearly alike)"
    )
    return figure
