"""Claims that only a grid can test: of the literature, and of what this study's verdicts rest on.

In the form of all claims. Their starts are the lines of maps: a whole map, or the row of one start.
"""

from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.analysis import claims, starts
from stages.analysis.claims import CLEARLY, DEFAULT, FC1_ZERO, ONES, ZEROS
from stages.analysis.judging import NONE, Claim, Part, Region
from stages.analysis.maps import DEPTH, MULTIPLE, RATE, VARIANCE, WIDTH, Map, MapResults
from stages.analysis.quantities import Quantity, Unit
from stages.analysis.results import Results
from stages.analysis.starts import Plan, Setting, Start
from stages.analysis.statistics import Values
from stages.training import laws
from stages.training.laws import Law

OWN = "this study"
SCHOENHOLZ = "Schoenholz et al. 2017"
LU = "Lu et al. 2019"

DATA = {"data": "mnist", "limit": None}
GRID = DATA | {"batch_size": 256, "optimizer": "sgd", "lr": 0.01, "momentum": 0.0, "steps": 200}
TANH = Setting(
    "a map of variance × depth: tanh, 64 units a layer, 200 steps of SGD (0.01, batches of 256)",
    GRID | {
        "activation": "tanh", "width": 64, "x": [VARIANCE, *(1 + i / 4 for i in range(13))],
        "y": [DEPTH, 10, 20, 40, 60],
    },
)  # fmt: skip
RELU = Setting(
    "a map of variance × depth: ReLU, 64 units a layer, 200 steps of SGD (0.01, batches of 256)",
    GRID | {
        "activation": "relu", "width": 64, "y": [DEPTH, 5, 10, 20, 40],
        "x": [VARIANCE, *(float(f"{i / 3:.6g}") for i in range(1, 13))],
    },
)  # fmt: skip
NARROW = Setting(
    "a map of width × depth: untrained ReLU networks, hidden layers counted, that are shown 512 "
    "images of MNIST (the source has inputs of one dimension)",
    DATA | {
        "activation": "relu", "steps": 0, "x": [WIDTH, 2, 3, 4, 5, 10],
        "y": [DEPTH, 2, 5, 10, 20],
    },
)  # fmt: skip
RATES = Setting(
    "the lecture’s network and training, but one epoch at each of six learning rates from 0.00001 "
    "to 1",
    {key: value for key, value in claims.SETTING.values.items() if key not in ("epochs", "lr")}
    | {"steps": 938, "x": [RATE, *(10.0**i for i in range(-5, 1))], "y": None},
)


def _laws(plan: Plan) -> tuple[set[Law], set[Law]]:
    weights, biases = (
        {laws.rounded(law) for law in starts.laws(plan, kind)} for kind in ("weight", "bias")
    )
    return {law[:2] for law in weights}, biases  # whatever the variance


NORMAL = {("kaiming_normal", "fan_in")}
GAUSSIAN_BIASES = Start(
    "weights N(0, σ_w²/n), biases N(0, 0.05)",
    TANH,
    lambda plan: _laws(plan) == (NORMAL, {laws.rounded(("normal", 0.0, 0.2236068))}),
)
NO_BIASES = Start(
    "weights N(0, σ_w²/n), biases at 0", RELU, lambda plan: _laws(plan) == (NORMAL, {starts.ZERO})
)
HE_NARROW = Start("He's weights, biases at 0", NARROW, starts.weights(starts.HE))
AT_RATES = {
    start: replace(start, setting=RATES) for start in (DEFAULT, FC1_ZERO, ZEROS, ONES, claims.WIDE)
}
TINY = Start(
    "normal weights with a standard deviation of 0.0001, biases at 0",
    RATES,
    starts.weights({("normal", 0.0, 0.0001)}),
)


def _of(results: Results, variant: str) -> tuple[Map, pd.DataFrame]:
    """A line, with what is learned: the results of these claims are MapResults."""
    line = cast(MapResults, results).lines[variant]
    return line, line.rows.assign(learn=line.learn(results.learned_above))


def _by_seed(rows: pd.DataFrame, column: str) -> npt.NDArray[np.float64]:
    """A column as `[seeds, cells]`."""
    table = rows.sort_values(["seed", "j", "i"])
    return table[column].to_numpy(dtype=float).reshape(rows["seed"].nunique(), -1)


def _learning(name: str, deeper: bool) -> Quantity:
    """The share that learns of the networks less deep than MULTIPLE depth scales, or deeper."""

    def values(results: Results, variant: str) -> Values:
        line, rows = _of(results, variant)
        cells = line.cells(results.learned_above)
        depth = np.array(line.y.values)[cells["j"]]
        there = (depth > MULTIPLE * cells["depth_scale"]) == deeper
        return _by_seed(rows, "learn")[:, there.to_numpy()].mean(1)

    return Quantity(name, Unit.ACCURACY, values)


def _deepest(results: Results, variant: str) -> tuple[npt.NDArray[np.float64], pd.DataFrame]:
    """The variances of a map, and the rows of its deepest networks."""
    line, rows = _of(results, variant)
    return np.array(line.x.values), rows[rows["y"] == max(line.y.values)]


def _best_variance(results: Results, variant: str) -> Values:
    variances, deepest = _deepest(results, variant)
    learns = _by_seed(deepest, "learn").any(1)  # else the best is the best by chance
    return np.where(learns, variances[_by_seed(deepest, "train_acc").argmax(1)], np.nan)


def _learn_far_off(results: Results, variant: str) -> Values:
    """How many of the deepest networks learn with half of 2 or less, and with twice it or more."""
    variances, deepest = _deepest(results, variant)
    return _by_seed(deepest, "learn")[:, (variances <= 1) | (variances >= 4)].sum(1)


def _born_dead(width: int, depth: int) -> Quantity:
    def values(results: Results, variant: str) -> Values:
        _, rows = _of(results, variant)
        there = rows[(rows["x"] == width) & (rows["y"] == depth)]
        return there["constant"].to_numpy(dtype=float)

    name = f"networks of {depth} hidden layers of {width} that answer the same to every image"
    return Quantity(name, Unit.ACCURACY, values, before=True, draws=True)


def _rates_that_learn(results: Results, variant: str) -> Values:
    return _by_seed(_of(results, variant)[1], "learn").sum(1)


def _at_best_rate(results: Results, variant: str) -> Values:
    _, rows = _of(results, variant)
    best = _by_seed(rows, "train_acc").mean(0).argmax()
    return _by_seed(rows, "test_acc")[:, best]


rates_that_learn = Quantity(
    "learning rates at which a seed learns", Unit.COUNT, _rates_that_learn, exact=np.max
)
at_best_rate = Quantity(
    "test accuracy at the rate with the best training accuracy", Unit.ACCURACY, _at_best_rate
)

MAPS = (
    Claim(
        id="trainable_to_depth",
        source=SCHOENHOLZ,
        place="figure 5",
        claim=f"Random networks learn precisely where they are less than about {MULTIPLE} depth "
        "scales deep.",
        parts=(
            Part(
                GAUSSIAN_BIASES,
                _learning(f"networks less deep than {MULTIPLE} ξ that learn", deeper=False),
                Region(low=0.9),
                stated="nine in ten that are less deep learn",
                holds=f"{{measured}} of those less deep than {MULTIPLE} ξ learn",
            ),
            Part(
                GAUSSIAN_BIASES,
                _learning(f"networks deeper than {MULTIPLE} ξ that learn", deeper=True),
                Region(high=0.1),
                stated="no more than one in ten that are deeper do",
                holds=f"{{measured}} of those deeper than {MULTIPLE} ξ do",
            ),
        ),
    ),
    Claim(
        id="relu_learns_best_at_two",
        source="He et al. 2015",
        place="equation 10",
        claim="Deep ReLU networks learn best where the weights’ variance is 2 over the fan-in.",
        parts=(
            Part(
                NO_BIASES,
                Quantity(
                    "variance times fan-in at which the deepest networks reach the best training "
                    "accuracy",
                    Unit.FACTOR, _best_variance,
                ),
                Region(1.5, 2.5),
                stated="the best is within a quarter of 2",
                holds="the deepest networks learn best at {measured}, in steps of a third",
            ),
            Part(
                NO_BIASES,
                Quantity(
                    "of the deepest networks, those that learn with at most 1 or at least 4",
                    Unit.COUNT, _learn_far_off, exact=np.max,
                ),
                NONE,
                stated="with half of it, and with twice, the deepest do not learn",
                holds="with half of it or less, and with twice, {measured} learn",
            ),
        ),
    ),
    Claim(
        id="born_dead",
        source=LU,
        place="at depth 10",
        claim="Of ReLU networks ten layers deep, less than 1 % are born dead with a width of 10, "
        "more than 10 % with 5, and about 60 % with 3.",
        parts=(
            Part(
                HE_NARROW, _born_dead(10, 10), Region(high=0.01),
                stated="below 1 % with a width of 10",
                holds="of width 10: {measured}",
            ),
            Part(
                HE_NARROW, _born_dead(5, 10), Region(low=0.10),
                stated="above 10 % with a width of 5",
                holds="of width 5: {measured}",
            ),
            Part(
                HE_NARROW, _born_dead(3, 10), Region(0.5, 0.7),
                stated="within ten points of 60 % with a width of 3",
                holds="of width 3: {measured}",
            ),
        ),
    ),
    Claim(
        id="stuck_at_any_rate",
        source=OWN,
        place="the lecture’s bad starts",
        claim="That all zeros, fc1 at zero and all ones do not learn is no matter of the learning "
        "rate.",
        parts=tuple(
            Part(
                AT_RATES[start], rates_that_learn, NONE,
                stated=f"{start.words}: no seed learns at any rate",
                holds="{start} learns at {measured} of the rates",
                fails="{start} learns at up to {measured} of the rates, if little",
            )
            for start in (ZEROS, FC1_ZERO, ONES)
        ),
    ),
    Claim(
        id="scale_at_best_rate",
        source=OWN,
        place="starts of another scale",
        claim="Normal weights that are far too small or too large learn well at a learning rate "
        "of their own.",
        parts=tuple(
            Part(
                start, at_best_rate, Region(low=-CLEARLY), against=AT_RATES[DEFAULT],
                stated=f"{start.words}: within 10 points of the default start, each at its best "
                "rate",
                holds="{start} ends {measured} against {against}",
            )
            for start in (TINY, AT_RATES[claims.WIDE])
        ),
    ),
)  # fmt: skip
