"""Why starts never learn, and why more noise can end worse: what the probes tell of it."""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from stages.analysis import quantities
from stages.analysis.outcomes import Outcome
from stages.analysis.results import Results
from stages.analysis.statistics import t_interval
from stages.analysis.study import Variant

FADED = 1e-3  # with less of the last hidden layer's gradient the first layer gets next to none


class Cause(Enum):
    """What was measured in every seed of a start that never learns."""

    SILENT = "the first layer's gradient is exactly 0, whenever it was looked at"
    EQUAL = "the first layer's units are equal, whenever they were looked at"
    FADED = "before training the gradient fades on its way to the first layer"
    OTHER = "none of these"


def cause(results: Results, variant: Variant) -> Cause:
    """Why a stuck variant never learns: the first of the causes that was measured."""
    if (results.probe(variant.name, "fc1", "weight_gradient_zeros") == 1).all():
        return Cause.SILENT
    if always_equal(results, variant):
        return Cause.EQUAL
    if (quantities.arriving_gradient.values(results, variant.name) < FADED).all():
        return Cause.FADED
    return Cause.OTHER


def always_equal(results: Results, variant: Variant) -> bool:
    """Whether fc1's units, two or more, are copies of one whenever they were looked at."""
    copies = results.probe(variant.name, "fc1", "distinct_units") == 1
    return variant.hidden[0] > 1 and bool(copies.all())


def dies(results: Results, variant: str) -> bool:
    """Whether all of fc1's units end dead in every seed."""
    dead = results.probe(variant, "fc1", "dead_fraction", -1)
    return bool(len(dead) and (dead == 1).all())


@dataclass(frozen=True)
class NoiseCost:
    """Levels of noise that end below the best one that has less noise.

    `dead` are shares of fc1's units that are dead at the end, mean over seeds: of the `best` and
    of each of `worse`. `explained` tells whether every seed of the worse has more of them than
    any seed of the best.
    """

    best: str
    worse: list[str]
    dead: dict[str, float]
    explained: bool


def noise_cost(
    results: Results, levels: list[tuple[float, float, str]], outcomes: dict[str, Outcome]
) -> NoiseCost | None:
    """What more noise costs, from levels as starts.noise has them; None: it costs nothing.

    Less is what the interval of the differences, seed by seed, puts below 0.
    """
    learning = [name for _, std, name in levels if std and outcomes[name].learned]
    if not learning:
        return None
    best = max(learning, key=lambda name: results.accuracy(name).mean())
    worse = [
        name
        for name in learning[learning.index(best) + 1 :]
        if t_interval(results.difference(name, best)).high < 0
    ]
    if not worse:
        return None
    dead = {name: results.probe(name, "fc1", "dead_fraction", -1) for name in (best, *worse)}
    most = max(dead[best], default=np.nan)
    return NoiseCost(
        best, worse,
        {name: float(shares.mean()) for name, shares in dead.items() if len(shares)},
        all(bool(min(dead[name], default=np.nan) > most) for name in worse),
    )  # fmt: skip
