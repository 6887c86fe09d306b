"""Quantities of small sweeps: of their cells, and of rows and whole maps of them."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from stages.analysis.cells import Cells
from stages.analysis.map_lines import Lines
from stages.analysis.map_quantities import by_seed
from stages.analysis.quantities import Quantity, Unit
from stages.analysis.statistics import Values


def _column(column: str, name: str, unit: Unit, words: str, before: bool = False) -> Quantity:
    def values(evidence: Cells, cell: str) -> Values:
        return evidence.values(cell, column)

    return Quantity(name, unit, values, words, before=before)


def _log_start(evidence: Cells, cell: str) -> Values:
    return np.log10(evidence.values(cell, "start_loss"))


log_start_loss = Quantity(
    "decimal logarithm of the loss before training", Unit.SIZE, _log_start,
    "the loss before training of {variant} has a decimal logarithm of {measured}", before=True,
    compared="the loss of {variant} starts {measured} powers of ten above that of {against}",
)  # fmt: skip
start_loss = _column(
    "start_loss", "loss before training", Unit.SIZE, "{variant} starts with a loss of {measured}",
    before=True,
)  # fmt: skip
same_start = replace(
    start_loss, name="largest difference of the loss before training, in any seed", exact=np.max,
    compare=lambda own, other: np.abs(own - other),
    compared="the losses before training of {variant} and {against} differ by at most {measured}",
)  # fmt: skip
end_loss = replace(
    _column("train_loss", "training loss at the end", Unit.SIZE, "{variant} ends at {measured}"),
    compared="the training loss of {variant} minus that of {against} is {measured}",
)
still = replace(
    _column(
        "still", "share of the trained tensors that never changed, in any seed", Unit.ACCURACY,
        "{variant}: {measured} of the trained tensors never changed",
    ), exact=np.max,
)  # fmt: skip
still_at_least = replace(still, name=f"{still.name}, at least", exact=np.min)
distinct = replace(
    _column(
        "distinct", "share of units that are distinct at the end, at most, in any seed",
        Unit.ACCURACY, "{variant}: at most {measured} of the units are distinct at the end",
    ), exact=np.max,
)  # fmt: skip
cells_that_learn = Quantity(
    "cells of a row in which a seed learns", Unit.COUNT,
    lambda evidence, name: by_seed(evidence.lines[name].rows, "learn").sum(1),
    "{variant} learns at {measured} values",
    compared="{variant} learns at {measured} more values than {against}, on average",
)  # fmt: skip

SHIFT_FROM = 64  # the width at which both parametrizations are one


def _losses(evidence: Lines, name: str, width: int) -> npt.NDArray[np.float64]:
    """Training losses at a width `[seeds, rates]`; what diverged is as bad as can be."""
    one = evidence.lines[name]
    losses = by_seed(one.rows[one.rows["y"] == width], "train_loss")
    return np.where(np.isfinite(losses), losses, np.inf)


def _shift(evidence: Lines, name: str) -> Values:
    one = evidence.lines[name]
    rates, ends = np.log10(one.x.values), (SHIFT_FROM, max(one.y.values))
    narrow, wide = (
        np.array([_lowest(rates, losses) for losses in _losses(evidence, name, width)])
        for width in ends
    )
    return wide - narrow


def _lowest(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    """Where a parabola through the lowest of some points and both its neighbours is lowest."""
    i = int(y.argmin())
    if i in (0, len(y) - 1) or not np.isfinite(y[i - 1 : i + 2]).all():
        return float(x[i])
    a, b, _ = np.polyfit(x[i - 1 : i + 2], y[i - 1 : i + 2], 2)
    return float(-b / (2 * a))


def _gain_of_width(evidence: Lines, name: str) -> Values:
    """Loss at SHIFT_FROM minus loss at the largest width, at the rate best for the former."""
    one = evidence.lines[name]
    narrow, wide = (_losses(evidence, name, width) for width in (SHIFT_FROM, max(one.y.values)))
    best = narrow.mean(0).argmin()
    return narrow[:, best] - wide[:, best]


shift_of_best_rate = Quantity(
    "powers of ten by which the best learning rate moves from width 64 to the largest", Unit.SIZE,
    _shift, "the best rate of {variant} moves by {measured} powers of ten",
)  # fmt: skip
gain_of_width = Quantity(
    "training loss at width 64 minus that at the largest width, at the best rate of the former",
    Unit.SIZE, _gain_of_width, "width lowers the training loss of {variant} by {measured}",
)  # fmt: skip
