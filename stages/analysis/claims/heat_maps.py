"""Claims that only a heat map can test: of the literature, and of this study's own verdicts.

They have the form of all claims; their initializations are lines: a whole map, or one row of it.
"""

from dataclasses import replace

from stages.analysis import initializations as init
from stages.analysis.claims import named
from stages.analysis.claims.form import NONE, Part, Region, claim
from stages.analysis.claims.study import OWN
from stages.analysis.initializations import Initialization, PlanValues, Setting
from stages.analysis.map_quantities import (
    at_best_rate,
    best_from_two,
    born_dead,
    learn_far_off,
    rates_that_learn,
    share_that_learns,
)
from stages.analysis.maps import DEPTH, MULTIPLE, RATE, VARIANCE, WIDTH
from stages.analysis.quantities import CLEARLY
from stages.training import laws

SCHOENHOLZ = "Schoenholz et al. 2017"
LU = "Lu et al. 2019"

DATA = {"data": "mnist", "limit": None, "crop": None}
GRID = DATA | {
    "batch_size": 256, "optimizer": "sgd", "lr": 0.01, "momentum": 0.0, "steps": 235, "width": 64,
}  # fmt: skip
TRAINED = "64 units a layer, one epoch of SGD (0.01, batches of 256)"
TANH = Setting(
    f"a heat map of variance × depth: tanh, {TRAINED}",
    GRID | {
        "activation": "tanh", "x": [VARIANCE, *(1 + i / 4 for i in range(13))],
        "y": [DEPTH, 10, 20, 40, 60],
    },
)  # fmt: skip
RELU = Setting(
    f"a heat map of variance × depth: ReLU, {TRAINED}",
    GRID | {
        "activation": "relu", "x": [VARIANCE, *(float(f"{i / 3:.6g}") for i in range(1, 13))],
        "y": [DEPTH, 5, 10, 20, 40],
    },
)  # fmt: skip
NARROW = Setting(
    "a heat map of width × depth: untrained ReLU networks with an input of one dimension, hidden "
    "layers counted",
    DATA | {
        "crop": 1, "activation": "relu", "steps": 0, "x": [WIDTH, 2, 3, 4, 5, 10],
        "y": [DEPTH, 2, 5, 10, 20],
    },
)  # fmt: skip
RATES = Setting(
    "the lecture’s network and training, but one epoch at each of six learning rates from 0.00001 "
    "to 1",
    {key: value for key, value in named.SETTING.values.items() if key not in ("epochs", "lr")}
    | {"steps": 938, "x": [RATE, *(10.0**i for i in range(-5, 1))], "y": None},
)


def scaled_normal(plan: PlanValues, bias: laws.Law) -> bool:
    """Whether all weights are N(0, σ_w²/fan_in), whatever σ_w, and all biases have this law."""
    weights = {drawn[:2] for drawn in init.laws(plan, "weight")}
    biases = {laws.rounded(drawn) for drawn in init.laws(plan, "bias")}
    return weights == {("kaiming_normal", "fan_in")} and biases == {laws.rounded(bias)}


GAUSSIAN_BIASES = Initialization(
    "weights N(0, σ_w²/n), biases N(0, 0.05)",
    TANH,
    lambda plan: scaled_normal(plan, ("normal", 0.0, 0.2236068)),
)
NO_BIASES = Initialization(
    "weights N(0, σ_w²/n), biases at 0", RELU, lambda plan: scaled_normal(plan, init.ZERO)
)
HE_NARROW = replace(named.HE, setting=NARROW)
AT_RATES = {
    one: replace(one, setting=RATES)
    for one in (named.DEFAULT, named.FC1_ZERO, named.ZEROS, named.ONES, named.TINY, named.WIDE)
}

HEAT_MAPS = (
    claim(
        "trainable_to_depth", (SCHOENHOLZ, "figure 5"),
        f"Random networks learn if and only if they are less than about {MULTIPLE} depth "
        "scales deep.",
        Part(
            "nine in ten that are less deep learn",
            GAUSSIAN_BIASES, share_that_learns(deeper=False), Region(low=0.9),
        ),
        Part(
            "no more than one in ten that are deeper do",
            GAUSSIAN_BIASES, share_that_learns(deeper=True), Region(high=0.1),
        ),
    ),
    claim(
        "born_dead", (LU, "at depth 10"),
        "Of ReLU networks ten layers deep, less than 1 % are born dead with a width of 10, more "
        "than 10 % with 5, and about 60 % with 3.",
        Part("below 1 % with a width of 10", HE_NARROW, born_dead(10, 10), Region(high=0.01)),
        Part("above 10 % with a width of 5", HE_NARROW, born_dead(5, 10), Region(low=0.10)),
        Part(
            "within ten points of 60 % with a width of 3",
            HE_NARROW, born_dead(3, 10), Region(0.5, 0.7),
        ),
    ),
    claim(
        "relu_learns_best_at_two", (OWN, "deep ReLU networks"),
        "Deep ReLU networks learn best where their weights have He's variance, 2 over the fan-in.",
        Part(
            "in every seed tried the best variance is 2, or next to it on the grid",
            NO_BIASES, best_from_two, Region(high=0.34),
        ),
        Part(
            "with half of this variance or less, and with twice or more, the deepest do not learn",
            NO_BIASES, learn_far_off, NONE,
        ),
    ),
    claim(
        "stuck_at_any_rate", (OWN, "the lecture’s bad initializations"),
        "All zeros, fc1 at zero and all ones do not learn at any learning rate.",
        *(
            Part(f"{one.words}: no seed learns at any rate", AT_RATES[one], rates_that_learn, NONE)
            for one in (named.ZEROS, named.FC1_ZERO, named.ONES)
        ),
    ),
    claim(
        "scale_at_best_rate", (OWN, "initializations of another scale"),
        "Normal weights that are far too small or too large learn well at a learning rate of their "
        "own.",
        *(
            Part(
                f"{one.words}: within 10 points of PyTorch's default, each at its best "
                "rate",
                one, at_best_rate, Region(low=-CLEARLY), against=AT_RATES[named.DEFAULT],
            )
            for one in (AT_RATES[named.TINY], AT_RATES[named.WIDE])
        ),
    ),
)  # fmt: skip
