"""Claims of the literature that the lecture points to, in the same form as the lecture's.

Only what can be tested on MNIST with fully connected networks, each in a setting of this study:
what the sources show of other networks and data is not judged. Factors of a variance count as
met within a fifth of what theory says, "as well as" within a point of accuracy.
"""

from dataclasses import replace

from stages.analysis import quantities, starts
from stages.analysis.claims import ALIKE, DEFAULT, FC1_CONSTANT, HE, IDENTITY, SETTING, WIDE, XAVIER
from stages.analysis.judging import EVERY, Claim, Part, Region
from stages.analysis.starts import Setting, Start

GLOROT = "Glorot & Bengio 2010"
HE_2015 = "He et al. 2015"
SAXE = "Saxe et al. 2013"
GOODFELLOW = "Goodfellow et al. 2016"
ZHAO = "Zhao et al. 2021"
MISHKIN = "Mishkin & Matas 2015"

SGD = {"epochs": 2, "optimizer": "sgd", "lr": 0.01}
TANH = Setting(
    "five hidden tanh layers of 128 under SGD (0.01), 10 epochs",
    SETTING.values | {"hidden": [128] * 5, "activation": "tanh", "optimizer": "sgd", "lr": 0.01},
)
DEEP = Setting(
    "30 hidden ReLU layers of 64 under SGD (0.01), 2 epochs",
    SETTING.values | SGD | {"hidden": [64] * 30},
)
LINEAR, DEEP_LINEAR = (
    Setting(
        f"{depth} hidden linear layers of 64 under SGD (0.01), 2 epochs",
        SETTING.values | SGD | {"hidden": [64] * depth, "activation": "linear"},
    )
    for depth in (3, 30)
)

TANH_USUAL = Start("U(±1/√n), biases at 0", TANH, starts.weights(starts.USUAL))
TANH_XAVIER = replace(XAVIER, setting=TANH)
DEEP_HE, DEEP_XAVIER = (replace(start, setting=DEEP) for start in (HE, XAVIER))
DEEP_LSUV = Start("LSUV, biases at 0", DEEP, starts.weights(starts.LSUV))
GAUSSIAN = Start("N(0, 1/n), biases at 0", LINEAR, starts.weights(starts.GAUSSIAN))
ORTHOGONAL = Start("orthogonal weights, biases at 0", LINEAR, starts.weights(starts.ORTHOGONAL))
DEEP_GAUSSIAN = replace(GAUSSIAN, setting=DEEP_LINEAR)
DEEP_ORTHOGONAL = replace(ORTHOGONAL, setting=DEEP_LINEAR)
NORMAL, UNIFORM = (
    Start(
        f"Xavier's weights, {shape}, biases at 0",
        SETTING,
        starts.weights({(f"xavier_{shape}", 1.0)}),
    )
    for shape in ("normal", "uniform")
)
TWICE = Start("every unit twice, biases at 0", SETTING, starts.twice)

SOURCES = (
    Claim(
        id="usual_start_shrinks_gradients",
        source=GLOROT,
        place="section 4.2.1, equations 13 and 15; figure 7, top",
        claim="With weights from U(±1/√n) the variance of the gradient falls to a third from one "
        "layer to the one below.",
        parts=(
            Part(
                TANH_USUAL, quantities.gradient_gain, Region(0.8 / 3, 1.2 / 3),
                stated="before training a layer multiplies it by 1/3 on average, to a fifth",
                holds="a layer multiplies it by {measured}",
            ),
        ),
    ),
    Claim(
        id="xavier_keeps_gradients",
        source=GLOROT,
        place="section 4.2.1, equation 16; figure 7, bottom",
        claim="With the normalized initialization the variance of the gradient stays what it is "
        "from layer to layer.",
        parts=(
            Part(
                TANH_XAVIER, quantities.gradient_gain, Region(0.8, 1.2),
                stated="before training a layer multiplies it by 1 on average, to a fifth",
                holds="a layer multiplies it by {measured}",
            ),
        ),
    ),
    Claim(
        id="xavier_converges_faster",
        source=GLOROT,
        place="abstract; section 5",
        claim="The normalized initialization brings substantially faster convergence.",
        parts=(
            Part(
                TANH_XAVIER, quantities.first_accuracy, Region(low=0.01), against=TANH_USUAL,
                stated="after one epoch it is more than a point ahead of U(±1/√n), on average",
                holds="after one epoch it is {measured} against U(±1/√n)",
            ),
        ),
        figure="all_variants",
    ),
    Claim(
        id="he_keeps_variance",
        source=HE_2015,
        place="section 2.2, equations 10 and 14, and the paragraph on “Xavier”",
        claim="A ReLU layer keeps the variance of the gradient with He's weights, and halves it "
        "with Xavier's.",
        parts=(
            Part(
                DEEP_HE, quantities.gradient_gain, Region(0.8, 1.2),
                stated="before training one with He's multiplies it by 1 on average, to a fifth",
                holds="with He's weights a layer multiplies it by {measured}",
            ),
            Part(
                DEEP_XAVIER, quantities.gradient_gain, Region(0.4, 0.6),
                stated="one with Xavier's by 1/2",
                holds="with Xavier's by {measured}",
            ),
        ),
        figure="depth",
    ),
    Claim(
        id="xavier_stalls",
        source=HE_2015,
        place="section 2.2, figure 3",
        claim="With 30 layers He's initialization learns, where Xavier's stalls completely.",
        parts=(
            Part(
                DEEP_HE, quantities.seeds_that_learn, EVERY,
                stated="every seed of He's learns",
                holds="with He's weights {measured} learn",
            ),
            Part(
                DEEP_XAVIER, quantities.seeds_that_never_learn, EVERY,
                stated="every seed of Xavier's is stuck after every epoch",
                holds="with Xavier's {measured} are stuck",
            ),
        ),
        figure="final_accuracy",
    ),
    Claim(
        id="orthogonal_learns_at_any_depth",
        source=SAXE,
        place="section 3, figure 6A",
        claim="A deep linear network learns MNIST as fast as a shallow one from orthogonal "
        "weights, and slower from Gaussian ones.",
        parts=(
            Part(
                DEEP_ORTHOGONAL, quantities.first_accuracy, Region(-0.01, 0.01),
                against=ORTHOGONAL,
                stated="from orthogonal weights 30 layers are within a point of 3 after one epoch, "
                "on average",
                holds="from orthogonal weights 30 layers are {measured} against 3",
            ),
            Part(
                DEEP_GAUSSIAN, quantities.first_accuracy, Region(high=-0.01), against=GAUSSIAN,
                stated="from Gaussian ones they are more than a point behind, on average",
                holds="from Gaussian ones they are {measured}",
            ),
        ),
        figure="final_accuracy",
    ),
    Claim(
        id="orthogonal_is_an_isometry",
        source=SAXE,
        place="section 3, after equation 19; figure 6B",
        claim="A product of orthogonal matrices keeps all directions, while one of Gaussian "
        "matrices loses most of them.",
        parts=(
            Part(
                DEEP_ORTHOGONAL, quantities.kept_rank, Region(0.99, 1.01),
                stated="linear layer 30 has as great an effective rank as layer 1",
                holds="orthogonal matrices keep {measured} of layer 1's effective rank",
            ),
            Part(
                DEEP_GAUSSIAN, quantities.kept_rank, Region(high=0.5),
                stated="with Gaussian matrices less than half of it",
                holds="Gaussian ones {measured} of it",
            ),
        ),
    ),
    Claim(
        id="same_parameters_same_updates",
        source=GOODFELLOW,
        place="section 8.4, on breaking symmetry",
        claim="Units with the same inputs and the same initial parameters are always updated in "
        "the same way.",
        parts=(
            Part(
                TWICE, quantities.most_distinct_units, Region(high=64.5),
                stated="of 128 units that start as 64 pairs never more than 64 are distinct",
                holds="of 128 units that start as 64 pairs never more than {measured} are distinct",
                fails="of 128 units that start as 64 pairs {measured} become distinct",
            ),
            Part(
                FC1_CONSTANT, quantities.largest_gap_of_fc1, Region(high=ALIKE),
                stated="nor do units part that differ in their outgoing weights alone",
                holds="from {start} the symmetry gap is never above {measured}",
                fails="from {start} the symmetry gap becomes {measured}",
            ),
        ),
    ),
    Claim(
        id="different_functions_are_best",
        source=GOODFELLOW,
        place="section 8.4, on breaking symmetry",
        claim="It is best to start every unit with a function of its own.",
        parts=(
            Part(
                TWICE, quantities.final_accuracy, Region(high=0), against=DEFAULT,
                stated="where every unit is there twice the network ends below the default start, "
                "on average",
                holds="it ends {measured} against {against}",
            ),
        ),
        figure="final_accuracy",
    ),
    Claim(
        id="scale_matters_shape_does_not",
        source=GOODFELLOW,
        place="section 8.4, on Gaussian and uniform weights",
        claim="Whether weights are Gaussian or uniform matters little; too large a scale matters "
        "much.",
        parts=(
            Part(
                NORMAL, quantities.final_accuracy, Region(-0.01, 0.01), against=UNIFORM,
                stated="Gaussian and uniform weights of one scale end within a point, on average",
                holds="Gaussian weights end {measured} against uniform ones",
            ),
            Part(
                WIDE, quantities.final_accuracy, Region(high=-0.01), against=NORMAL,
                stated="weights of standard deviation 1 end more than a point below, on average",
                holds="{start} ends {measured} against them",
            ),
        ),
        figure="final_accuracy",
    ),
    Claim(
        id="zeros_and_ones_are_enough",
        source=ZHAO,
        place="algorithm 1, where widths fall; MNIST: the authors' example_mnist.ipynb",
        claim="A start of zeros and ones alone trains as well as a random one.",
        parts=(
            Part(
                IDENTITY, quantities.seeds_that_learn, EVERY,
                stated="every seed learns",
                holds="{measured} learn",
            ),
            Part(
                IDENTITY, quantities.final_accuracy, Region(low=-0.01), against=HE,
                stated="it ends less than a point below He's random weights, or above, on average",
                holds="it ends {measured} against {against}",
            ),
        ),
        figure="final_accuracy",
    ),
    Claim(
        id="lsuv_trains_deep_networks",
        source=MISHKIN,
        place="abstract; algorithm 1",
        claim="With LSUV very deep networks learn, as well as with the standard ways to start.",
        parts=(
            Part(
                DEEP_LSUV, quantities.seeds_that_learn, EVERY,
                stated="every seed learns",
                holds="{measured} learn",
            ),
            Part(
                DEEP_LSUV, quantities.final_accuracy, Region(low=-0.01), against=DEEP_HE,
                stated="it ends less than a point below He's weights, or above, on average",
                holds="it ends {measured} against {against}",
            ),
        ),
        figure="final_accuracy",
    ),
)  # fmt: skip
