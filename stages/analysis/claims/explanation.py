"""The lecture's claims about why, and its takeaways: sections 1, 6 and 7."""

import numpy as np

from stages.analysis import quantities
from stages.analysis.claims import named
from stages.analysis.claims.demonstration import SOURCE
from stages.analysis.claims.form import EVERY, NONE, Explanation, Part, Region, Scope, claim
from stages.analysis.claims.named import RELEVANT, ROUNDING_GAP
from stages.analysis.quantities import CLEARLY, Probe, Unit, probe

EXPLANATION = (
    claim(
        "constants_fail", (SOURCE, "1, 7"),
        "With any single constant, the network fails or badly underperforms.",
        Part(
            "every seed ends more than 10 points below PyTorch's default",
            named.CONSTANT, quantities.final_accuracy, Region(high=-CLEARLY),
            against=named.DEFAULT, every=True, scope=Scope.ALL,
        ),
        named.ZEROS, named.ONES, named.NEGATIVE, named.BETWEEN,
        figure="final_accuracy",
    ),
    claim(
        "units_stay_identical", (SOURCE, "6.1"),
        "Units with equal incoming weights get equal gradients and stay equal.",
        Part(
            "units stay equal where all layers are initialized to a constant",
            named.POSITIVE, quantities.largest_gap, Region(high=ROUNDING_GAP),
        ),
        Part(
            "fc1's units stay equal where only fc1 is initialized to a constant",
            named.FC1_CONSTANT, quantities.largest_gap_of_fc1, Region(high=ROUNDING_GAP),
        ),
        Explanation(
            "Where only fc1 is constant, its units differ in their outgoing weights, and so in "
            "their gradients: after one epoch, {} of them are distinct.",
            named.FC1_CONSTANT, probe(Unit.COUNT, Probe("distinct_units", epoch=1)),
        ),
        figure="why_stuck",
    ),
    claim(
        "zero_gradients", (SOURCE, "6.2"),
        "With all weights at zero, their gradients can be zero too, so that they are not "
        "updated.",
        Part(
            "all gradients of the weights are 0",
            named.ZEROS, quantities.weights_with_a_gradient, NONE,
        ),
        Part("no weight is updated", named.ZEROS, quantities.weights_that_move, NONE),
        Explanation(
            "A gradient passes through the weights above and is multiplied by the activations "
            "below, which are all 0.",
            named.ZEROS, probe(Unit.SIZE, Probe("activation_rank", None, how="max"), np.max), NONE,
        ),
        figure="who_moved",
    ),
    claim(
        "variation_needed", (SOURCE, "1"),
        "Initial weights need at least some variation or randomness to break symmetry.",
        Part(
            "without variation, units stay equal",
            named.POSITIVE, quantities.largest_gap, Region(high=ROUNDING_GAP), scope=Scope.ALL,
        ),
        Part(
            "with variation, random or not, units differ before training",
            named.DETERMINISTIC, quantities.initially_distinct_units, Region(low=1.5),
            scope=Scope.ALL,
        ),
        named.ONES, named.BETWEEN, named.IDENTITY, named.HADAMARD,
        figure="why_stuck",
    ),
    claim(
        "randomness_needed", (SOURCE, "7"),
        "Random initialization is crucial to break the symmetry between units.",
        Part(
            "without randomness, no units of fc1 differ before training",
            named.DETERMINISTIC, quantities.initially_distinct_units, Region(high=1.5),
            scope=Scope.ALL,
        ),
        Part(
            "without randomness, it ends more than 10 points below PyTorch's default, on average",
            named.DETERMINISTIC, quantities.final_accuracy, Region(high=-CLEARLY),
            against=named.DEFAULT, scope=Scope.ALL,
        ),
        named.IDENTITY, named.HADAMARD,
        figure="final_accuracy",
    ),
    claim(
        "random_is_enough", (SOURCE, "1, 7"),
        "Random initial weights, of a size that somebody recommends, give normal learning.",
        Part(
            "with weights of a size that PyTorch, Xavier, He, LeCun or orthogonal matrices have, "
            "every seed ends above 90 %",
            named.RANDOM, quantities.seeds_that_learn_normally, EVERY, scope=Scope.ALL,
        ),
        named.DEFAULT, named.XAVIER, named.HE,
        figure="final_accuracy",
    ),
    claim(
        "schemes_help", (SOURCE, "7"),
        "Xavier's and He's initializations improve convergence.",
        *(
            Part(
                f"{name} is ahead of PyTorch's default after one epoch, on average",
                scheme, quantities.first_accuracy, Region(low=RELEVANT), against=named.DEFAULT,
            )
            for name, scheme in (("Xavier's", named.XAVIER), ("He's", named.HE))
        ),
        Part(
            "with 30 hidden layers, He's is ahead of it after two epochs, on average",
            named.DEEP_HE, quantities.final_accuracy, Region(low=RELEVANT),
            against=named.DEEP_DEFAULT, against_learns=False,
        ),
        figure="final_accuracy",
    ),
)  # fmt: skip
