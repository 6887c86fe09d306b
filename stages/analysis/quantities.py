"""The quantities that claims, tables and figures are about, by their names."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from stages.analysis.results import FIRST, Results
from stages.analysis.statistics import Values

NORMAL = 0.90  # the lecture's normal test accuracy, at least
CLEARLY = 0.10  # so far below is bad, as accuracies on MNIST go


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

    `words` describe a measurement: {variant}, {measured}, {against} and {commonest} are filled in.
    The seeds' mean stands for them, with its interval; an `exact` function of the seeds (such as
    their maximum) has no interval, since nothing is estimated. `before`: measured before training,
    when seeds cannot disagree. `draws`: 1 or 0 for every seed; their share has Wilson's interval.
    `compare` has the values of two variants, seed by seed, as one, and `compared` are the words.
    """

    name: str
    unit: Unit
    values: Callable[[Any, str], Values]
    words: str = ""
    exact: Callable[[Values], np.floating] | None = None
    before: bool = False
    draws: bool = False
    compare: Callable[[Values, Values], Values] = np.subtract
    compared: str = "{variant} ends {measured} {against}"

    @property
    def has_mean(self) -> bool:
        """Whether it is a mean over seeds, with Student's interval."""
        return self.exact is None and not self.draws

    def minus(self, other: str) -> "Quantity":
        """The difference to another variant, seed by seed, of the seeds that both have."""

        def difference(evidence: Any, name: str) -> Values:
            own, others = self.values(evidence, name), self.values(evidence, other)
            shared = min(len(own), len(others))
            return self.compare(own[:shared], others[:shared])

        unit = Unit.DIFFERENCE if self.unit is Unit.ACCURACY else self.unit
        return replace(self, unit=unit, values=difference, words=self.compared)


@dataclass(frozen=True)
class Probe:
    """Where a probe is read: a column, of one layer or of all hidden ones (None), at an epoch.

    Epoch −1 is the last, None all of them; `how` unites layers and epochs: mean, max or min.
    """

    column: str
    layer: str | None = FIRST
    epoch: int | None = None
    how: str = "mean"

    def __call__(self, results: Results, variant: str) -> Values:
        return results.probe_by_seed(variant, self.layer, self.column, self.epoch, self.how)


def probe(
    unit: Unit, place: Probe, exact: Callable[[Values], np.floating] | None = None
) -> Quantity:
    """A probe as a quantity of a finding, which needs neither a name nor words."""
    return Quantity("", unit, place, exact=exact, before=place.epoch == 0)


# ----------------------------------------------------------------------------------- accuracy

final_accuracy = Quantity(
    "final test accuracy", Unit.ACCURACY, lambda results, variant: results.accuracy(variant),
    "{variant} ends at {measured}",
)  # fmt: skip
first_accuracy = Quantity(
    "test accuracy after one epoch", Unit.ACCURACY,
    lambda results, variant: results.accuracy(variant, 1),
    "after one epoch, {variant} is at {measured}",
    compared="after one epoch, {variant} is {measured} {against}",
)  # fmt: skip
final_gain = Quantity(
    "final test accuracy, above the most common class's share", Unit.DIFFERENCE,
    lambda results, variant: results.accuracy(variant) - results.commonest,
    "{variant} ends {measured} the most common class's share, {commonest}",
)  # fmt: skip
gain_of_best_epoch = Quantity(
    "test accuracy of each seed's best epoch, above the most common class's share", Unit.DIFFERENCE,
    lambda results, variant: results.accuracies(variant)[:, 1:].max(1) - results.commonest,
    "the best epoch of {variant} is {measured} the most common class's share, {commonest}",
)  # fmt: skip
best_gain = replace(
    gain_of_best_epoch, name=f"{gain_of_best_epoch.name}, of any seed", exact=np.max
)


def _seeds(condition: str, holds: Callable[[Results, str], npt.NDArray[np.bool_]]) -> Quantity:
    """The share of the seeds of which a condition `[seeds]` holds."""

    def values(results: Results, variant: str) -> Values:
        return holds(results, variant).astype(float)

    words = f"{{variant}}: {{measured}} {condition}"
    return Quantity(f"seeds that {condition}", Unit.SEEDS, values, words, exact=np.mean)


seeds_that_learn = _seeds("learn", lambda results, variant: results.ended(variant, "learns"))


def seeds_below(least: float) -> Quantity:
    """The share of the seeds that end more than that below another variant's."""

    def below(own: Values, other: Values) -> Values:
        apart = own - other
        return np.where(np.isnan(apart), np.nan, apart < -least)

    def finite(results: Results, variant: str) -> Values:
        return np.where(results.ended(variant, "diverges"), np.nan, results.accuracy(variant))

    condition = f"end more than {100 * least:g} points below"
    words = f"{{variant}}: {{measured}} {condition} {{against}}"
    return Quantity(
        f"seeds that {condition}", Unit.SEEDS, finite, exact=np.mean, compare=below, compared=words
    )


seeds_that_learn_normally = _seeds(
    f"end above {100 * NORMAL:g} %",
    lambda results, variant: (
        results.ended(variant, "learns") & (results.accuracy(variant) > NORMAL)
    ),
)


def _first_above_95(results: Results, variant: str) -> Values:
    passed = results.accuracies(variant) > 0.95
    return np.where(passed.any(1), passed.argmax(1), np.nan)


first_epoch_above_95 = Quantity("", Unit.COUNT, _first_above_95, exact=np.max)

# ---------------------------------------------------------------------------- tensors and units


def _tensors(kind: str, column: str, words: str) -> Quantity:
    """How many tensors have a nonzero probe in any measurement, in any seed."""

    def values(results: Results, variant: str) -> Values:
        each = [
            results.probe_by_seed(variant, layer, column, None, "max")
            for layer in results.study.variants[variant].layers
        ]
        known = np.isfinite(each).all(0)
        return np.where(known, (np.array(each) > 0).sum(0), np.nan)

    name = f"{kind} that {words}, in any seed"
    words = f"{{variant}}: {{measured}} of the {kind} {words}"
    return Quantity(name, Unit.TENSORS, values, words, exact=np.max)


weights_that_move = _tensors("weight matrices", "weight_move", "changed")
biases_that_move = _tensors("bias vectors", "bias_move", "changed")
weights_with_a_gradient = _tensors(
    "weight matrices", "weight_gradient_norm", "ever had a nonzero gradient"
)


def _where_moved(name: str, unit: Unit, place: Probe, words: str) -> Quantity:
    """The largest value of a probe where weights moved: if none did, units cannot have differed."""

    def values(results: Results, variant: str) -> Values:
        move = Probe("weight_move", place.layer, how="max")(results, variant)
        return np.where(move > 0, place(results, variant), np.nan)

    return Quantity(f"{name}, of any seed and epoch", unit, values, words, exact=np.max)


largest_gap, largest_gap_of_fc1 = (
    _where_moved(
        f"largest symmetry gap of {name}", Unit.SIZE, Probe("symmetry_gap", layer, how="max"),
        "the largest symmetry gap of {variant} is {measured} (0: equal units)",
    )
    for name, layer in (("a hidden layer", None), ("fc1", FIRST))
)  # fmt: skip
most_distinct_units = _where_moved(
    "most distinct units of fc1", Unit.COUNT, Probe("distinct_units", how="max"),
    "{variant}: at most {measured} of fc1's units are distinct",
)  # fmt: skip
initially_distinct_units = Quantity(
    "distinct units of fc1 before training", Unit.COUNT, Probe("distinct_units", epoch=0),
    "{variant} starts with {measured} distinct units in fc1", exact=np.max, before=True,
)  # fmt: skip

# ---------------------------------------------------------------------------- signal and gradient


def _first_over_last(results: Results, variant: str, column: str) -> tuple[Values, int]:
    """A probe of the first hidden layer over that of the last, and the number of steps between."""
    hidden = results.study.variants[variant].layers[:-1] or [FIRST]
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
    "the first hidden layer's gradient over that of the last, before training", Unit.FACTOR,
    lambda results, variant: _first_over_last(results, variant, "gradient_std")[0], before=True,
)  # fmt: skip
gradient_gain = Quantity(
    "factor of the gradient's variance from a hidden layer to the one below, before training",
    Unit.FACTOR, _gradient_gain, "{variant} multiplies it by {measured}", before=True,
)  # fmt: skip
kept_rank = Quantity(
    "effective rank of the last hidden layer's activations over that of the first's, before "
    "training",
    Unit.FACTOR, _kept_rank, "{variant} keeps {measured} of the effective rank", before=True,
)  # fmt: skip
