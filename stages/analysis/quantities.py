"""The quantities that claims, tables and figures are about, by their names."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from stages.analysis.results import Results
from stages.analysis.statistics import Values

NORMAL = 0.90  # what the lecture takes for a normal test accuracy, at least


class Unit(Enum):
    """What a quantity counts, which decides how it is written."""

    ACCURACY = "accuracy"  # a fraction, shown in per cent
    DIFFERENCE = "difference"  # of fractions, shown in points
    SEEDS = "seeds"  # a share of the seeds, shown as how many of them
    TENSORS = "tensors"  # a number of them
    FACTOR = "factor"  # from one layer to another
    SIZE = "size"  # a number without a unit
    COUNT = "count"  # of units, epochs


@dataclass(frozen=True)
class Quantity:
    """A number of a variant for every seed `[seeds]`, from evidence; nan where it means nothing.

    The seeds' mean stands for them, with its interval; an `exact` function of the seeds (such as
    their maximum) has no interval, since nothing is estimated. `before`: measured before training,
    when seeds cannot disagree. `draws`: 1 or 0 for every seed; their share has Wilson's interval.
    """

    name: str
    unit: Unit
    values: Callable[[Any, str], Values]
    exact: Callable[[Values], np.floating] | None = None
    before: bool = False
    draws: bool = False

    def minus(self, other: str) -> "Quantity":
        """The difference to another variant, seed by seed, of the seeds that both have."""

        def difference(evidence: Any, name: str) -> Values:
            own, others = self.values(evidence, name), self.values(evidence, other)
            shared = min(len(own), len(others))
            return own[:shared] - others[:shared]

        return replace(
            self,
            name=f"{self.name}, difference",
            unit=Unit.DIFFERENCE,
            values=difference,
        )


def probe(
    name: str, unit: Unit, layer: str | None, column: str, epoch: int | None = None,
    how: str = "mean", exact: Callable[[Values], np.floating] | None = None,
) -> Quantity:  # fmt: skip
    """A probe of one layer, or of all hidden ones, at an epoch (−1: the last), or at all looks."""

    def values(results: Results, variant: str) -> Values:
        return results.probe_by_seed(variant, layer, column, epoch, how)

    return Quantity(name, unit, values, exact, before=epoch == 0)


# ------------------------------------------------------------------------ what is learned

final_accuracy = Quantity(
    "final test accuracy", Unit.ACCURACY, lambda results, variant: results.accuracy(variant)
)
first_accuracy = Quantity(
    "test accuracy after one epoch",
    Unit.ACCURACY,
    lambda results, variant: results.accuracy(variant, 1),
)
best_gain = Quantity(
    "best test accuracy of any epoch and seed, above the commonest class's share",
    Unit.DIFFERENCE,
    lambda results, variant: results.accuracies(variant)[:, 1:].max(1) - results.commonest,
    exact=np.max,
)
seeds_that_learn = Quantity(
    "seeds that learn",
    Unit.SEEDS,
    lambda results, variant: results.ended(variant, "learns").astype(float),
    exact=np.mean,
)
seeds_that_never_learn = Quantity(
    "seeds that are stuck after every epoch",
    Unit.SEEDS,
    lambda results, variant: (
        results.ended(variant, "stuck")
        & (results.accuracies(variant) <= results.learned_above).all(1)
    ).astype(float),
    exact=np.mean,
)
seeds_that_learn_normally = Quantity(
    f"seeds that end above {100 * NORMAL:g} %",
    Unit.SEEDS,
    lambda results, variant: (
        results.ended(variant, "learns") & (results.accuracy(variant) > NORMAL)
    ).astype(float),
    exact=np.mean,
)
first_epoch_above_95 = Quantity(
    "first epoch above 95 %",
    Unit.COUNT,
    lambda results, variant: _first(results.accuracies(variant) > 0.95),
    exact=np.max,
)


def _first(passed: npt.NDArray[np.bool_]) -> Values:
    """The first place of every row that is true; not a number where none is."""
    return np.where(passed.any(1), passed.argmax(1), np.nan)


# ----------------------------------------------------------------------------- what moves


def _tensors(name: str, column: str, kind: str) -> Quantity:
    """How many weights or biases have a probe other than 0 at any look, in any seed."""

    def values(results: Results, variant: str) -> Values:
        layers = results.layers(variant)
        each = [results.probe_by_seed(variant, layer, column, None, "max") for layer in layers]
        known = np.isfinite(each).all(0)
        return np.where(known, (np.array(each) > 0).sum(0), np.nan)

    return Quantity(f"{kind} {name}", Unit.TENSORS, values, exact=np.max)


weights_that_move = _tensors("that move", "weight_move", "weight matrices")
biases_that_move = _tensors("that move", "bias_move", "bias vectors")
weights_with_a_gradient = _tensors(
    "with a gradient other than 0", "weight_gradient_norm", "weight matrices"
)


def _where_moved(name: str, unit: Unit, layer: str | None, column: str) -> Quantity:
    """The largest value of a probe where something moved: only then could units have parted."""

    def values(results: Results, variant: str) -> Values:
        most = results.probe_by_seed(variant, layer, column, None, "max")
        move = results.probe_by_seed(variant, layer, "weight_move", None, "max")
        return np.where(move > 0, most, np.nan)

    return Quantity(name, unit, values, exact=np.max)


largest_gap = _where_moved(
    "largest symmetry gap of a hidden layer, of any seed and epoch",
    Unit.SIZE, None, "symmetry_gap",
)  # fmt: skip
largest_gap_of_fc1 = _where_moved(
    "largest symmetry gap of fc1, of any seed and epoch", Unit.SIZE, "fc1", "symmetry_gap"
)
most_distinct_units = _where_moved(
    "most distinct units of fc1, of any seed and epoch", Unit.COUNT, "fc1", "distinct_units"
)
distinct_units_at_the_start = probe(
    "distinct units of fc1 before training",
    Unit.COUNT, "fc1", "distinct_units", 0, exact=np.max,
)  # fmt: skip

# ---------------------------------------------------------------------- signal and gradient


def _first_over_last(results: Results, variant: str, column: str) -> tuple[Values, int]:
    """A probe of the first hidden layer over that of the last, and how many layers lie between."""
    *hidden, _ = results.layers(variant)
    first, last = (
        results.probe_by_seed(variant, layer, column, 0, "mean")
        for layer in (hidden[0], hidden[-1])
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return first / last, len(hidden) - 1


def _gradient_gain(results: Results, variant: str) -> Values:
    ratio, layers = _first_over_last(results, variant, "gradient_std")
    return np.where(ratio > 0, ratio, np.nan) ** (2 / layers) if layers else ratio * np.nan


arriving_gradient = Quantity(
    "the first hidden layer's gradient over that of the last, before training",
    Unit.FACTOR,
    lambda results, variant: _first_over_last(results, variant, "gradient_std")[0],
    before=True,
)
gradient_gain = Quantity(
    "what a hidden layer multiplies the gradient's variance by, before training",
    Unit.FACTOR, _gradient_gain, before=True,
)  # fmt: skip


def _kept_rank(results: Results, variant: str) -> Values:
    ratio, _ = _first_over_last(results, variant, "activation_rank")
    with np.errstate(divide="ignore"):
        return 1 / ratio


kept_rank = Quantity(
    "effective rank of the last hidden layer's activations over that of the first's, before "
    "training",
    Unit.FACTOR, _kept_rank, before=True,
)  # fmt: skip
