"""The quantities that claims, tables and figures are about, by their names."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from stages.analysis.results import Results
from stages.analysis.statistics import Values

NORMAL = 0.90  # the lecture's normal test accuracy, at least


class Unit(Enum):
    """What a quantity counts, which decides how it is written."""

    ACCURACY = "accuracy"  # a fraction, shown in per cent
    DIFFERENCE = "difference"  # of fractions, shown in points
    SEEDS = "seeds"  # a share of the seeds, shown as a count
    TENSORS = "tensors"  # a count of them
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

        name = f"{self.name}, difference"
        return replace(self, name=name, unit=Unit.DIFFERENCE, values=difference)


@dataclass(frozen=True)
class Probe:
    """Where a probe is read: a column, of one layer or of all hidden ones (None), at an epoch.

    Epoch −1 is the last, None all of them; `how` unites layers and epochs: mean, max or min.
    """

    column: str
    layer: str | None = "fc1"
    epoch: int | None = None
    how: str = "mean"

    def __call__(self, results: Results, variant: str) -> Values:
        return results.probe_by_seed(variant, self.layer, self.column, self.epoch, self.how)


def probe(
    unit: Unit, place: Probe, exact: Callable[[Values], np.floating] | None = None, name: str = ""
) -> Quantity:
    """A probe as a quantity; only those of a claim's parts need a name."""
    return Quantity(name, unit, place, exact, before=place.epoch == 0)


# ----------------------------------------------------------------------------------- accuracy

final_accuracy = Quantity(
    "final test accuracy", Unit.ACCURACY, lambda results, variant: results.accuracy(variant)
)
first_accuracy = Quantity(
    "test accuracy after one epoch",
    Unit.ACCURACY,
    lambda results, variant: results.accuracy(variant, 1),
)
best_gain = Quantity(
    "best test accuracy of any epoch and seed, above the most common class's share",
    Unit.DIFFERENCE,
    lambda results, variant: results.accuracies(variant)[:, 1:].max(1) - results.commonest,
    exact=np.max,
)


def _seeds(name: str, holds: Callable[[Results, str], npt.NDArray[np.bool_]]) -> Quantity:
    """The share of the seeds of which a condition `[seeds]` holds."""
    return Quantity(
        name, Unit.SEEDS, lambda results, variant: holds(results, variant).astype(float), np.mean
    )


seeds_that_learn = _seeds(
    "seeds that learn", lambda results, variant: results.ended(variant, "learns")
)
seeds_that_never_learn = _seeds(
    "seeds that are stuck after every epoch",
    lambda results, variant: (
        results.ended(variant, "stuck")
        & (results.accuracies(variant) <= results.learned_above).all(1)
    ),
)
seeds_that_learn_normally = _seeds(
    f"seeds that end above {100 * NORMAL:g} %",
    lambda results, variant: (
        results.ended(variant, "learns") & (results.accuracy(variant) > NORMAL)
    ),
)


def _first_above_95(results: Results, variant: str) -> Values:
    passed = results.accuracies(variant) > 0.95
    return np.where(passed.any(1), passed.argmax(1), np.nan)


first_epoch_above_95 = Quantity("first epoch above 95 %", Unit.COUNT, _first_above_95, exact=np.max)

# ---------------------------------------------------------------------------- tensors and units


def _tensors(name: str, column: str) -> Quantity:
    """How many tensors have a nonzero probe in any measurement, in any seed."""

    def values(results: Results, variant: str) -> Values:
        each = [
            results.probe_by_seed(variant, layer, column, None, "max")
            for layer in results.layers(variant)
        ]
        known = np.isfinite(each).all(0)
        return np.where(known, (np.array(each) > 0).sum(0), np.nan)

    return Quantity(name, Unit.TENSORS, values, exact=np.max)


weights_that_move = _tensors("weight matrices that move", "weight_move")
biases_that_move = _tensors("bias vectors that move", "bias_move")
weights_with_a_gradient = _tensors(
    "weight matrices with a nonzero gradient", "weight_gradient_norm"
)


def _where_moved(name: str, unit: Unit, layer: str | None, column: str) -> Quantity:
    """The largest value of a probe where weights moved: if none did, units cannot have differed."""

    def values(results: Results, variant: str) -> Values:
        most = results.probe_by_seed(variant, layer, column, None, "max")
        move = results.probe_by_seed(variant, layer, "weight_move", None, "max")
        return np.where(move > 0, most, np.nan)

    return Quantity(name, unit, values, exact=np.max)


largest_gap = _where_moved(
    "largest symmetry gap of a hidden layer, of any seed and epoch", Unit.SIZE, None, "symmetry_gap"
)
largest_gap_of_fc1 = _where_moved(
    "largest symmetry gap of fc1, of any seed and epoch", Unit.SIZE, "fc1", "symmetry_gap"
)
most_distinct_units = _where_moved(
    "most distinct units of fc1, of any seed and epoch", Unit.COUNT, "fc1", "distinct_units"
)
initially_distinct_units = probe(
    Unit.COUNT, Probe("distinct_units", epoch=0), np.max, "distinct units of fc1 before training"
)

# ---------------------------------------------------------------------------- signal and gradient


def _first_over_last(results: Results, variant: str, column: str) -> tuple[Values, int]:
    """A probe of the first hidden layer over that of the last, and the number of steps between."""
    *hidden, _ = results.layers(variant)
    first, last = (Probe(column, layer, 0)(results, variant) for layer in (hidden[0], hidden[-1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        return first / last, len(hidden) - 1


def _gradient_gain(results: Results, variant: str) -> Values:
    ratio, layers = _first_over_last(results, variant, "gradient_std")
    return np.where(ratio > 0, ratio, np.nan) ** (2 / layers) if layers else ratio * np.nan


def _kept_rank(results: Results, variant: str) -> Values:
    ratio, _ = _first_over_last(results, variant, "activation_rank")
    with np.errstate(divide="ignore"):
        return 1 / ratio


arriving_gradient = Quantity(
    "the first hidden layer's gradient over that of the last, before training",
    Unit.FACTOR,
    lambda results, variant: _first_over_last(results, variant, "gradient_std")[0],
    before=True,
)
gradient_gain = Quantity(
    "factor of the gradient's variance from a hidden layer to the next lower one, before training",
    Unit.FACTOR, _gradient_gain, before=True,
)  # fmt: skip
kept_rank = Quantity(
    "effective rank of the last hidden layer's activations over that of the first's, before "
    "training",
    Unit.FACTOR, _kept_rank, before=True,
)  # fmt: skip
