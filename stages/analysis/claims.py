"""The lecture's claims, as data: what each says of which start, in parts that can be judged.

Places are the sections of the lecture "Weight Initializations: A Surprising Demo". "About" a
number is within a point of it. What is claimed of every start of a kind can be refuted by one, and
needs those that could refute it: without them it is not tested.
"""

import numpy as np

from stages.analysis import quantities, starts
from stages.analysis.judging import EVERY, NONE, Claim, Part, Reason, Region
from stages.analysis.quantities import Unit, probe
from stages.analysis.starts import Setting, Start

SOURCE = "the lecture"

CLEARLY = 0.10  # this far below the default start is bad, as accuracies on MNIST go
ALIKE = 1e-5  # a symmetry gap up to this is rounding

SETTING = Setting(
    "the lecture's network and training",
    {
        "data": "mnist", "limit": None, "hidden": [128, 64], "activation": "relu", "epochs": 10,
        "batch_size": 64, "optimizer": "adam", "lr": 0.001, "momentum": 0.0,
    },
)  # fmt: skip

DEFAULT = Start("PyTorch's default in every tensor", SETTING, starts.default)
FC1_ZERO = Start(
    "fc1 at 0, the rest at PyTorch's default", SETTING, lambda plan: starts.fc1_alone(plan) == 0
)
FC1_CONSTANT = Start(
    "fc1 at a constant above 0 and up to 1, the rest at PyTorch's default",
    SETTING,
    lambda plan: 0 < (starts.fc1_alone(plan) or 0) <= 1,
)
ZEROS = Start("every tensor at 0", SETTING, lambda plan: starts.constant(plan) == 0)
ONES = Start("every tensor at 1", SETTING, lambda plan: starts.constant(plan) == 1)
NEGATIVE = Start(
    "every tensor at one constant below 0", SETTING, lambda plan: (starts.constant(plan) or 0) < 0
)
BETWEEN = Start(
    "every tensor at one constant between 0 and 1",
    SETTING,
    lambda plan: 0 < (starts.constant(plan) or 0) < 1,
)
OTHER_CONSTANT = Start(
    "every tensor at one constant other than 0 and 1",
    SETTING,
    lambda plan: starts.constant(plan) not in (None, 0, 1),
)
POSITIVE = Start(
    "every tensor at one constant above 0", SETTING, lambda plan: (starts.constant(plan) or 0) > 0
)
CONSTANT = Start(
    "every tensor at one constant", SETTING, lambda plan: starts.constant(plan) is not None
)
RANDOM = Start(
    "weights that torch.nn.init draws around 0, biases at 0 or PyTorch's default",
    SETTING,
    starts.random,
)
DETERMINISTIC = Start("weights that are neither random nor constant", SETTING, starts.deterministic)
IDENTITY = Start("identity, biases at 0", SETTING, starts.weights(starts.IDENTITY))
HADAMARD = Start("Hadamard rows of gain √2, biases at 0", SETTING, starts.weights(starts.HADAMARD))
XAVIER = Start("Xavier's weights, biases at 0", SETTING, starts.weights(starts.XAVIER))
HE = Start("He's weights, biases at 0", SETTING, starts.weights(starts.HE))
WIDE = Start(
    "normal weights with a standard deviation of 1, biases at 0",
    SETTING,
    starts.weights({("normal", 0.0, 1.0)}),
)

distinct_units = "distinct units of fc1"
dead_units = "share of fc1's units that answer 0 to every probed image"

LECTURE = (
    Claim(
        id="baseline_accuracy",
        source=SOURCE,
        place="2.1, 4.1",
        claim="A small fully connected network reaches 90 to 95 % on MNIST after some ten epochs.",
        parts=(
            Part(
                DEFAULT, quantities.final_accuracy, Region(0.90, 0.95),
                every=True,
                stated="every seed ends at 90 to 95 %",
                holds="{start} ends at {measured}",
                fails="{start} ends at {measured}, {side} that",
            ),
        ),
        why=(
            Reason(
                "Every seed has passed 95 % by epoch {}.", DEFAULT, quantities.first_epoch_above_95
            ),
            Reason(
                "fc1 starts with {} distinct units, and what differs can learn different things.",
                DEFAULT, probe(distinct_units, Unit.COUNT, "fc1", "distinct_units", 0),
            ),
            Reason(
                "At the end {} of fc1's units answer 0 to every probed image.",
                DEFAULT, probe(dead_units, Unit.ACCURACY, "fc1", "dead_fraction", -1),
            ),
        ),
        figure="learning_curves",
    ),
    Claim(
        id="all_zero_at_chance",
        source=SOURCE,
        place="2.2, 4.3",
        claim="Started at all zeros it stays at about 10 %, as if guessing, and never improves.",
        parts=(
            Part(
                ZEROS, quantities.final_accuracy, Region(0.09, 0.11),
                every=True,
                stated="every seed ends at about 10 % (9 to 11 %)",
                holds="{start} ends at {measured}",
                fails="{start} ends at {measured}; the commonest class has {commonest}",
            ),
            Part(
                ZEROS, quantities.best_gain, Region(high=0.02),
                stated="no epoch of any seed is 2 points better than naming the commonest class",
                holds="its best epoch is {measured} from that class's share, {commonest}",
            ),
        ),
        why=(
            Reason(
                "At the end the logits differ between images by {} (standard deviation): 0 is one "
                "and the same answer to every image.",
                ZEROS, probe("signal in the logits", Unit.SIZE, "out", "signal_std", -1),
            ),
        ),
        figure="learning_curves",
    ),
    Claim(
        id="all_zero_weights_stay",
        source=SOURCE,
        place="4.3",
        claim="After training from all zeros every parameter is still zero.",
        parts=(
            Part(
                ZEROS, quantities.weights_that_move, NONE,
                stated="no weight moves",
                holds="no weight moved by one bit, in any seed",
                fails="{measured} of its weight matrices moved",
            ),
            Part(
                ZEROS, quantities.biases_that_move, NONE,
                stated="no bias moves",
                holds="no bias moved by one bit, in any seed",
                fails="{measured} of its 3 bias vectors moved",
            ),
        ),
        why=(
            Reason(
                "The gradient at out.bias is softmax − target whatever the weights are: before "
                "training its norm is {}.",
                ZEROS, probe("gradient's norm", Unit.SIZE, "out", "bias_gradient_norm", 0),
            ),
            Reason(
                "out.bias ends up to {} from 0.",
                ZEROS, probe("move of out.bias", Unit.SIZE, "out", "bias_move", -1, exact=np.max),
            ),
        ),
        figure="who_moved",
    ),
    Claim(
        id="zero_fc1_learns",
        source=SOURCE,
        place="4.2, 5",
        claim="With fc1 alone at zero the network still learns, only somewhat worse.",
        parts=(
            Part(
                FC1_ZERO, quantities.seeds_that_learn, EVERY,
                stated="every seed learns",
                holds="{measured} learn",
            ),
            Part(
                FC1_ZERO, quantities.final_accuracy, Region(-CLEARLY, 0), against=DEFAULT,
                every=True,
                stated="every seed ends 0 to 10 points below the default start",
                holds="it ends {measured} against {against}",
            ),
        ),
        why=(
            Reason(
                "Before training and after every epoch {} of fc1's weights have a gradient of "
                "exactly 0: its units sit at 0, where ReLU's slope is 0, and never leave it.",
                FC1_ZERO,
                probe(
                    "zeros", Unit.ACCURACY, "fc1", "weight_gradient_zeros", how="min", exact=np.min
                ),
                EVERY,
            ),
            Reason(
                "At the end the logits differ between images by {}: 0 says that the layers above "
                "are told nothing of the image.",
                FC1_ZERO, probe("signal in the logits", Unit.SIZE, "out", "signal_std", -1),
            ),
        ),
        figure="why_stuck",
    ),
    Claim(
        id="all_ones_partly",
        source=SOURCE,
        place="4.4, 5",
        claim="Started at all ones it learns slightly more than from all zeros, and sticks at 20 "
        "to 40 %.",
        parts=(
            Part(
                ONES, quantities.final_accuracy, Region(0.01, 0.30), against=ZEROS,
                every=True, against_learns=False,
                stated="every seed ends 1 to 30 points above all zeros",
                holds="{start} ends {measured} against {against}",
            ),
            Part(
                ONES, quantities.final_accuracy, Region(0.20, 0.40),
                every=True,
                stated="every seed ends at 20 to 40 %",
                holds="it ends at {measured}",
            ),
        ),
        why=(
            Reason(
                "fc1 never has more than {} distinct unit.",
                ONES, quantities.most_distinct_units,
            ),
            Reason(
                "The logits start out with a standard deviation of {}.",
                ONES, probe("logits", Unit.SIZE, "out", "activation_std", 0),
            ),
            Reason(
                "At the end {} of fc1's units answer 0 to every probed image.",
                ONES, probe(dead_units, Unit.ACCURACY, "fc1", "dead_fraction", -1),
            ),
        ),
        figure="why_stuck",
    ),
    Claim(
        id="other_constants_partly",
        source=SOURCE,
        place="4.4",
        claim="Started at another constant it sticks at 20 to 40 % as well.",
        parts=(
            Part(
                OTHER_CONSTANT, quantities.final_accuracy, Region(0.20, 0.40),
                every=True,
                stated="every seed ends at 20 to 40 %",
                holds="{start} ends at {measured}",
            ),
        ),
        needs=(NEGATIVE, BETWEEN),
        figure="final_accuracy",
    ),
    Claim(
        id="constants_fail",
        source=SOURCE,
        place="1, 7",
        claim="Started at any single constant the network fails or badly underperforms.",
        parts=(
            Part(
                CONSTANT, quantities.final_accuracy, Region(high=-CLEARLY), against=DEFAULT,
                every=True,
                stated="every seed ends more than 10 points below the default start",
                holds="{start} ends {measured} against {against}",
            ),
        ),
        needs=(ZEROS, ONES, NEGATIVE, BETWEEN),
        figure="final_accuracy",
    ),
    Claim(
        id="units_stay_identical",
        source=SOURCE,
        place="6.1",
        claim="Units with equal weights get equal gradients and stay equal.",
        parts=(
            Part(
                POSITIVE, quantities.largest_gap, Region(high=ALIKE),
                stated="units stay equal where all layers start constant",
                holds="from {start} the symmetry gap is never above {measured}",
                fails="from {start} the symmetry gap becomes {measured}",
            ),
            Part(
                FC1_CONSTANT, quantities.largest_gap_of_fc1, Region(high=ALIKE),
                stated="fc1's units stay equal where fc1 alone starts constant",
                holds="from {start} the symmetry gap is never above {measured}",
                fails="from {start} the symmetry gap becomes {measured}",
            ),
        ),
        why=(
            Reason(
                "Where fc1 alone starts constant its units differ in their outgoing weights, and "
                "so in their gradients: after one epoch {} of them are distinct.",
                FC1_CONSTANT, probe(distinct_units, Unit.COUNT, "fc1", "distinct_units", 1),
            ),
        ),
        figure="why_stuck",
    ),
    Claim(
        id="zero_gradients",
        source=SOURCE,
        place="6.2",
        claim="With all weights at zero their gradients can be zero too, and no update comes.",
        parts=(
            Part(
                ZEROS, quantities.weights_with_a_gradient, NONE,
                stated="all gradients of the weights are 0",
                holds="the weights' gradients are exactly 0 before training and after every epoch",
                fails="{measured} of the weight matrices have another gradient",
            ),
            Part(
                ZEROS, quantities.weights_that_move, NONE,
                stated="no weight is updated",
                holds="no weight moved by one bit, in any seed",
                fails="{measured} of the weight matrices moved",
            ),
        ),
        why=(
            Reason(
                "A gradient passes through the weights above and is multiplied with the "
                "activations below, which have an effective rank of at most {} (0: all are 0).",
                ZEROS, probe(
                    "rank", Unit.SIZE, None, "activation_rank", how="max", exact=np.max
                ),
            ),
        ),
        figure="who_moved",
    ),
    Claim(
        id="randomness_needed",
        source=SOURCE,
        place="1, 7",
        claim="Randomness is needed to break the symmetry between units.",
        parts=(
            Part(
                DETERMINISTIC, quantities.distinct_units_at_the_start, Region(high=1.5), best=True,
                stated="no start without randomness has units in fc1 that differ",
                holds="with any of them fc1 starts with {measured} distinct unit",
                fails="with {start} fc1 starts with {measured} distinct units",
            ),
            Part(
                DETERMINISTIC, quantities.final_accuracy, Region(high=-CLEARLY), against=DEFAULT,
                best=True, every=True,
                stated="the best start without randomness ends more than 10 points below the "
                "default start",
                holds="the best of them, {start}, ends {measured} against {against}",
                fails="{start} (its seeds differ in the order of the images alone) ends {measured} "
                "against {against}",
            ),
        ),
        needs=(IDENTITY, HADAMARD),
        figure="final_accuracy",
    ),
    Claim(
        id="random_is_enough",
        source=SOURCE,
        place="1, 7",
        claim="Random initial weights give normal learning.",
        parts=(
            Part(
                RANDOM, quantities.seeds_that_learn_normally, EVERY,
                stated="every seed ends above 90 %",
                holds="{start}: {measured} end above 90 %",
            ),
        ),
        why=(
            Reason(
                "Before training the logits differ between images by {} from PyTorch's default.",
                DEFAULT, probe("signal in the logits", Unit.SIZE, "out", "signal_std", 0),
            ),
            Reason(
                "From weights with a standard deviation of 1 they differ by {}.",
                WIDE, probe("signal in the logits", Unit.SIZE, "out", "signal_std", 0),
            ),
        ),
        needs=(DEFAULT, XAVIER, HE, WIDE),
        figure="final_accuracy",
    ),
    Claim(
        id="schemes_help",
        source=SOURCE,
        place="7",
        claim="Xavier's and He's initialization improve convergence.",
        parts=tuple(
            Part(
                scheme, quantities.first_accuracy, Region(low=0), against=DEFAULT,
                stated=f"{name} is ahead of the default start after one epoch, on average",
                holds="{start} is {measured} against {against}",
            )
            for name, scheme in (("Xavier's", XAVIER), ("He's", HE))
        ),
        figure="all_variants",
    ),
)  # fmt: skip
