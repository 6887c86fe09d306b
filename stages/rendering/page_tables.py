"""The page's tables, as CSV: those of evaluate and report, and some that the page alone draws."""

import math
from decimal import Decimal
from itertools import product
from typing import Any

import pandas as pd

from stages.analysis import series
from stages.analysis.report import Report
from stages.analysis.results import FIRST
from stages.analysis.study import layers
from stages.rendering import rate_charts

# The tables that can be downloaded, and their content.
DOWNLOADS = {
    "history": "losses and accuracies of every seed after every epoch",
    "seeds": "test accuracy and loss of every seed at the end",
    "symmetry": "symmetry gap of the first layer's units, every seed and epoch",
    "dead_units": "share of hidden ReLU units that are 0 for every example, every seed and epoch",
    "depth": "signal and gradient in every hidden layer before training; if all weights of out are "
    "equal, the gradient is 0, and any other value is rounding",
    "tensors": "distinct values and the largest move of every tensor, every seed",
    "confusion": "which class is taken for which",
    "summary": "every variant: accuracy, difference to the baseline, outcome",
    "statistics": "Wilson's and simultaneous intervals",
    "moves": "the largest move of every tensor, of any seed, and the step of its first move",
    "maps": "every cell of every heat map",
}
OWN = {"moves", "maps"}  # the others are reports/NAME.csv


def gathered(report: Report, made: dict[str, str]) -> dict[str, str]:
    """Every table of the page by its name; texts `made` in this run come before those in files."""
    csv = {
        name: made.get(f"{name}.csv") or (report.reports / f"{name}.csv").read_text("utf-8")
        for name in DOWNLOADS.keys() - OWN
    }
    csv |= {"moves": moves(report), "units": units(report)}
    if drawn := [*report.maps, *rate_charts.shown(report.asked)]:
        cells = [one.cells(report.results.learned_above) for one in drawn]
        csv["maps"] = pd.concat(cells).to_csv(index=False, float_format="%.6g")
    return dict(sorted(csv.items()))


def moves(report: Report) -> str:
    """The largest move of every tensor, of any seed, and the step of the earliest first one.

    Of the variants with the study's own layers, as CSV; `moved_at` is empty where nothing moved.
    """
    rows, study, results = [], report.study, report.results
    tensors = product(layers(study.network["hidden"]), ("weight", "bias"))
    for name, (layer, kind) in product(study.same_layers(), tensors):
        move, step = results.move(name, layer, kind)
        rows.append((name, f"{layer}.{kind}", move, f"{step:.0f}" if step == step else ""))
    columns = ["variant", "tensor", "largest_move", "moved_at"]
    return pd.DataFrame(rows, columns=columns).to_csv(index=False, float_format="%.6g")


def units(report: Report) -> str:
    """The share of the first layer's units that are distinct, by seed and epoch, as CSV."""
    table, variants = report.results.probes, report.study.variants
    first = table["variant"].map({name: one.layers[0] for name, one in variants.items()})
    widths = table["variant"].map({name: one.width for name, one in variants.items()})
    table = table.assign(distinct=table["distinct_units"] / widths)[table["layer"] == first]
    columns = ["variant", "seed", "epoch", "end", "distinct"]
    return table[columns].to_csv(index=False, float_format="%.6g")


def layers_of_files(report: Report) -> dict[str, list[dict[str, Any]]]:
    """Every layer of the networks from files, by variant: means over seeds before training.

    `moved_at` is the step of the earliest seed at which a weight first moved; it and what a layer
    does not have are not numbers.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for name, variant in report.study.variants.items():
        probes = report.results.probes
        own = probes[probes["variant"] == name]
        if variant.plan["hidden"]:
            continue
        last = own["epoch"] == own["epoch"].max()
        begun, ended = (own[when].groupby("layer") for when in (own["epoch"] == 0, last))
        columns = ["distinct_units", "signal_std", "weight_gradient_norm", "weight_gradient_zeros"]
        table = begun[columns].mean().assign(
            moved_at=ended["weight_moved_at"].min(), move=ended["weight_move"].max(),
            dead=ended["dead_fraction"].mean(),
        )  # fmt: skip
        counts = variant.plan["layers"]
        found[name] = [
            {"layer": layer, "units": counts[layer], **table.loc[layer]} for layer in counts
        ]
    return found


def noise(report: Report) -> list[dict[str, Any]]:
    """A row for every size of noise on a constant: how it ends, and what fc1's units do.

    `gaps` are the symmetry gaps before training and after one epoch, `dead` the share of dead units
    at the end: means over seeds, and not a number where the seeds disagree.
    """
    rows, results = [], report.results
    for constant, size, name in series.noise(report.study):
        gaps = [results.probe_by_seed(name, FIRST, "symmetry_gap", e, "max").mean() for e in (0, 1)]
        dead = results.probe_by_seed(name, FIRST, "dead_fraction", -1, "max").mean()
        unknown = [] if results.agree(name) else [math.nan] * 3
        gap, later, dead = unknown or (*gaps, dead)
        ends = {"row": report.rows[name], "gaps": [gap, later], "dead": dead}
        rows.append({"constant": constant, "size": size} | ends)
    return rows


def powers_around(values: pd.DataFrame) -> tuple[float, float]:
    """The powers of ten around all values above 0: where a logarithmic axis begins and ends."""
    found = [value for value in values.to_numpy().ravel() if 0 < value < float("inf")]
    # Of the decimal that it is written as: a logarithm differs between processors.
    exponents = [Decimal(repr(float(value))).adjusted() for value in found] or [0]
    return float(f"1e{min(exponents)}"), float(f"1e{max(exponents) + 1}")
