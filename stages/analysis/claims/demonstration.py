"""The lecture's claims about its demonstration: sections 2 to 5.

A hedge is part of a claim: what "may" or "often" happens is judged as that. Where the lecture is
modest, more than it claims is "understated" and no error. "Random guessing" is within two points of
naming the most common class every time, as everywhere in this study.
"""

import numpy as np

from stages.analysis import quantities
from stages.analysis.claims import named
from stages.analysis.claims.form import (
    EVERY,
    NONE,
    NOT_EVERY,
    SOME,
    Explanation,
    Part,
    Region,
    Scope,
    claim,
)
from stages.analysis.claims.named import RELEVANT
from stages.analysis.quantities import CLEARLY, Probe, Unit, probe

SOURCE = "the lecture"
NOTHING = Region(high=1e-30)
GUESSING = 0.02  # from naming the most common class every time

dead_units = probe(Unit.ACCURACY, Probe("dead_fraction", epoch=-1))
final_signal = probe(Unit.SIZE, Probe("signal_std", "out", -1))
no_gradient = probe(Unit.ACCURACY, Probe("weight_gradient_zeros", how="min"), np.min)

DEMONSTRATION = (
    claim(
        "baseline_accuracy", (SOURCE, "2.1, 4.1, 5"),
        "A small fully connected network reaches 90 to 95 % on MNIST after about ten epochs.",
        Part(
            "every seed reaches 90 %",
            named.DEFAULT, quantities.final_accuracy, Region(low=0.90), every=True,
        ),
        Part(
            "and not more than about 95 %: at most 96 %",
            named.DEFAULT, quantities.final_accuracy, Region(high=0.96), bounds=True,
        ),
        Explanation(
            "Every seed exceeds 95 % by epoch {}.",
            named.DEFAULT, quantities.first_epoch_above_95,
        ),
        Explanation(
            "fc1 starts with {} distinct units, and units that differ can learn different "
            "features.",
            named.DEFAULT, probe(Unit.COUNT, Probe("distinct_units", epoch=0)),
        ),
        Explanation("At the end, {} of fc1's units are dead.", named.DEFAULT, dead_units),
        figure="learning_curves",
    ),
    claim(
        "all_zero_at_chance", (SOURCE, "2.2, 4.3, 5"),
        "With all zeros, accuracy stays at about 10 %, like random guessing, and never improves.",
        Part(
            "every seed ends within 2 points of naming the most common class",
            named.ZEROS, quantities.final_gain, Region(-GUESSING, GUESSING), every=True,
        ),
        Part(
            "no epoch of any seed is 2 points better than that",
            named.ZEROS, quantities.best_gain, Region(high=GUESSING),
        ),
        Explanation(
            "At the end, the outputs (logits) are the same for every image.",
            named.ZEROS, final_signal, NOTHING,
        ),
        figure="learning_curves",
    ),
    claim(
        "all_zero_weights_stay", (SOURCE, "4.3"),
        "After training from all zeros, every parameter is still zero.",
        Part("no weight moves", named.ZEROS, quantities.weights_that_move, NONE),
        Part("no bias moves", named.ZEROS, quantities.biases_that_move, NONE),
        Explanation(
            "The gradient of out.bias is softmax − target, whatever the weights: before training, "
            "its norm is {}.",
            named.ZEROS, probe(Unit.SIZE, Probe("bias_gradient_norm", "out", 0)),
        ),
        Explanation(
            "At the end, a value of out.bias has moved by up to {}.",
            named.ZEROS, probe(Unit.SIZE, Probe("bias_move", "out", -1), np.max),
        ),
        figure="who_moved",
    ),
    claim(
        "zero_fc1_learns", (SOURCE, "4.2, 5"),
        "With only fc1 at zero, the network may still learn somewhat; it is generally worse than "
        "from the default, but not always drastically.",
        Part("at least one seed learns", named.FC1_ZERO, quantities.seeds_that_learn, SOME),
        Part(
            "every seed ends below PyTorch's default",
            named.FC1_ZERO, quantities.seeds_below(RELEVANT), EVERY, against=named.DEFAULT,
        ),
        Part(
            "at least one seed ends no more than 10 points below it",
            named.FC1_ZERO, quantities.seeds_below(CLEARLY), NOT_EVERY, against=named.DEFAULT,
        ),
        Explanation(
            "Before training and after every epoch, {} of fc1's weights have a gradient of exactly "
            "0: its units are at 0, where ReLU's slope is 0, and stay there.",
            named.FC1_ZERO, no_gradient, EVERY,
        ),
        Explanation(
            "At the end, the outputs (logits) are the same for every image: nothing about the "
            "image gets through.",
            named.FC1_ZERO, final_signal, NOTHING,
        ),
        figure="why_stuck",
    ),
    claim(
        "all_ones_partly", (SOURCE, "4.4, 5"),
        "With all ones, the network might learn slightly more than with all zeros; it stays far "
        "below normal, and often at 20 to 40 %.",
        Part(
            "in its best epoch it is above naming the most common class, on average",
            named.ONES, quantities.gain_of_best_epoch, Region(low=RELEVANT),
        ),
        Part(
            "every seed ends more than 10 points below PyTorch's default",
            named.ONES, quantities.final_accuracy, Region(high=-CLEARLY), against=named.DEFAULT,
            every=True,
        ),
        Part(
            "it ends at 20 to 40 %, on average",
            named.ONES, quantities.final_accuracy, Region(0.20, 0.40),
        ),
        Explanation(
            "All units of fc1 stay equal.",
            named.ONES, quantities.most_distinct_units, Region(high=1.5),
        ),
        Explanation(
            "Before training, the logits have a standard deviation of {}.",
            named.ONES, probe(Unit.SIZE, Probe("activation_std", "out", 0)),
        ),
        Explanation("At the end, {} of fc1's units are dead.", named.ONES, dead_units),
        figure="why_stuck",
    ),
    claim(
        "other_constants_partly", (SOURCE, "4.4"),
        "With another constant, accuracy often stays at 20 to 40 % as well.",
        Part(
            "at least half of the constants that were tried end at 20 to 40 %, on average",
            named.OTHER_CONSTANT, quantities.final_accuracy, Region(0.20, 0.40), scope=Scope.HALF,
        ),
        named.NEGATIVE, named.BETWEEN,
        figure="final_accuracy",
    ),
)  # fmt: skip
