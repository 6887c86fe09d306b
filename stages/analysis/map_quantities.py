"""Quantities of heat maps, measured on their lines: networks that learn, by depth, rate, width."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.analysis.map_lines import Lines
from stages.analysis.maps import MULTIPLE
from stages.analysis.quantities import Quantity, Unit
from stages.analysis.statistics import Values


def by_seed(rows: pd.DataFrame, column: str) -> npt.NDArray[np.float64]:
    """A column as `[seeds, cells]`."""
    table = rows.sort_values(["seed", "j", "i"])
    return table[column].to_numpy(dtype=float).reshape(rows["seed"].nunique(), -1)


def share_that_learns(deeper: bool) -> Quantity:
    """The share that learns of networks less deep than MULTIPLE depth scales, or deeper."""

    def values(evidence: Lines, name: str) -> Values:
        line = evidence.lines[name]
        depth = np.repeat(line.y.values, len(line.x.values))
        there = (depth > MULTIPLE * np.array(line.depth_scales)) == deeper
        return by_seed(line.rows, "learn")[:, there].mean(1)

    side = "deeper than" if deeper else "less deep than"
    kind = f"networks {side} {MULTIPLE} ξ"
    return Quantity(f"{kind} that learn", Unit.ACCURACY, values, f"{{measured}} of {kind} learn")


def _deepest(evidence: Lines, name: str) -> tuple[npt.NDArray[np.float64], pd.DataFrame]:
    """The variances of a map, and the rows of its deepest networks."""
    line = evidence.lines[name]
    return np.array(line.x.values), line.rows[line.rows["y"] == max(line.y.values)]


def _from_two(evidence: Lines, name: str) -> Values:
    variances, deepest = _deepest(evidence, name)
    learns = by_seed(deepest, "learn").any(1)  # else the best is the best by chance
    best = variances[by_seed(deepest, "train_acc").argmax(1)]
    return np.where(learns, np.abs(best - 2), np.nan)


def _learn_far_off(evidence: Lines, name: str) -> Values:
    """How many of the deepest networks learn with half of 2 or less, and with twice it or more."""
    variances, deepest = _deepest(evidence, name)
    return by_seed(deepest, "learn")[:, (variances <= 1) | (variances >= 4)].sum(1)


def born_dead(width: int, depth: int) -> Quantity:
    """The share of untrained networks of this shape that answer the same to every image."""

    def values(evidence: Lines, name: str) -> Values:
        rows = evidence.lines[name].rows
        there = rows[(rows["x"] == width) & (rows["y"] == depth)]
        return there["constant"].to_numpy(dtype=float)

    name = f"networks of {depth} hidden layers of {width} that answer the same to every image"
    words = f"of width {width}: {{measured}}"
    return Quantity(name, Unit.ACCURACY, values, words, before=True, draws=True)


def _at_best_rate(evidence: Lines, name: str) -> Values:
    rows = evidence.lines[name].rows
    best = by_seed(rows, "train_acc").mean(0).argmax()
    return by_seed(rows, "test_acc")[:, best]


rates_that_learn = Quantity(
    "learning rates at which a seed learns", Unit.COUNT,
    lambda evidence, name: by_seed(evidence.lines[name].rows, "learn").sum(1),
    "{variant} learns at {measured} of the rates", exact=np.max,
)  # fmt: skip
at_best_rate = Quantity(
    "test accuracy at the rate with the best training accuracy", Unit.ACCURACY, _at_best_rate,
    "{variant} ends at {measured}",
)  # fmt: skip
best_from_two = Quantity(
    "largest distance from 2 of the variance times fan-in at which the deepest networks reach the "
    "best training accuracy, of any seed",
    Unit.SIZE, _from_two, "the best variance × fan-in is at most {measured} from 2", exact=np.max,
)  # fmt: skip
learn_far_off = Quantity(
    "of the deepest networks, those that learn with at most 1 or at least 4",
    Unit.COUNT, _learn_far_off,
    "{measured} of the deepest networks with half of it or less, or twice or more, learn",
    exact=np.max,
)  # fmt: skip
