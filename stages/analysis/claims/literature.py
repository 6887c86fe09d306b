"""Claims of the literature, in the same form as the lecture's.

Only those that can be tested on MNIST with fully connected networks, each in a setting of this
study: results of the sources on other networks and data are not judged. A variance counts as met
within a fifth of what theory predicts, and an accuracy is "as good as" another down to the smallest
relevant difference. Glorot and Bengio's equation 16 is not judged: it holds where tanh is nearly
linear, and these inputs saturate the first layer.
"""

from stages.analysis import quantities
from stages.analysis.claims import named
from stages.analysis.claims.form import EVERY, Part, Region, claim
from stages.analysis.claims.named import RELEVANT, ROUNDING_GAP
from stages.analysis.quantities import CLEARLY

GLOROT = "Glorot & Bengio 2010"
HE_2015 = "He et al. 2015"
SAXE = "Saxe et al. 2013"
GOODFELLOW = "Goodfellow et al. 2016"
ZHAO = "Zhao et al. 2021"
MISHKIN = "Mishkin & Matas 2015"

LITERATURE = (
    claim(
        "usual_weights_shrink_gradients",
        (GLOROT, "section 4.2.1, equations 13 and 15; figure 7, top"),
        "With weights from U(±1/√n), the variance of the gradient falls to a third from one layer "
        "to the next lower one.",
        Part(
            "before training a layer multiplies it by 1/3 ± 20 % on average",
            named.TANH_USUAL, quantities.gradient_gain, Region(0.8 / 3, 1.2 / 3),
        ),
    ),
    claim(
        "xavier_converges_faster", (GLOROT, "abstract; section 5"),
        "The normalized initialization brings substantially faster convergence.",
        Part(
            "after one epoch it is ahead of U(±1/√n), on average",
            named.TANH_XAVIER, quantities.first_accuracy, Region(low=RELEVANT),
            against=named.TANH_USUAL,
        ),
        figure="final_accuracy",
    ),
    claim(
        "he_keeps_variance",
        (HE_2015, "section 2.2, equations 10 and 14, and the paragraph on “Xavier”"),
        "A ReLU layer keeps the variance of the gradient with He's weights, and halves it with "
        "Xavier's.",
        Part(
            "before training, with He's weights, a layer multiplies it by 1 ± 20 %",
            named.DEEP_HE, quantities.gradient_gain, Region(0.8, 1.2),
        ),
        Part(
            "with Xavier's weights, by 1/2 ± 20 %",
            named.DEEP_XAVIER, quantities.gradient_gain, Region(0.4, 0.6),
        ),
        figure="depth",
    ),
    claim(
        "xavier_stalls", (HE_2015, "section 2.2, figure 3"),
        "With 30 layers, He's initialization learns, and Xavier's stalls.",
        Part("every seed of He's learns", named.DEEP_HE, quantities.seeds_that_learn, EVERY),
        Part(
            "every seed of Xavier's ends more than 10 points below He's",
            named.DEEP_XAVIER, quantities.seeds_below(CLEARLY), EVERY, against=named.DEEP_HE,
        ),
        figure="final_accuracy",
    ),
    claim(
        "orthogonal_is_an_isometry", (SAXE, "section 3, after equation 19; figure 6B"),
        "A product of orthogonal matrices keeps all directions, while one of Gaussian matrices "
        "loses most of them.",
        Part(
            "linear layer 30 has as great an effective rank as layer 1",
            named.DEEP_ORTHOGONAL, quantities.kept_rank, Region(0.99, 1.01),
        ),
        Part(
            "with Gaussian matrices, layer 30 has less than half of it",
            named.DEEP_GAUSSIAN, quantities.kept_rank, Region(high=0.5),
        ),
    ),
    claim(
        "same_parameters_same_updates", (GOODFELLOW, "section 8.4, on breaking symmetry"),
        "Units with the same inputs and the same initial parameters are always updated in the same "
        "way.",
        Part(
            "of 128 units initialized as 64 pairs, at most 64 are ever distinct",
            named.TWICE, quantities.most_distinct_units, Region(high=64.5),
        ),
        Part(
            "units that differ only in their outgoing weights stay equal, too",
            named.FC1_CONSTANT, quantities.largest_gap_of_fc1, Region(high=ROUNDING_GAP),
        ),
    ),
    claim(
        "different_functions_are_best", (GOODFELLOW, "section 8.4, on breaking symmetry"),
        "It is usually best to initialize every unit to compute a different function.",
        Part(
            "with every unit twice, it ends below PyTorch's default, on average",
            named.TWICE, quantities.final_accuracy, Region(high=-RELEVANT), against=named.DEFAULT,
        ),
        figure="final_accuracy",
    ),
    claim(
        "scale_matters_shape_does_not",
        (GOODFELLOW, "section 8.4, on Gaussian and uniform weights"),
        "Whether weights are Gaussian or uniform seems to matter little; their scale matters much.",
        Part(
            "Gaussian weights end as well as uniform ones of the same scale, on average",
            named.NORMAL, quantities.final_accuracy, Region(-RELEVANT, RELEVANT),
            against=named.UNIFORM,
        ),
        Part(
            "weights of standard deviation 1 end below, on average",
            named.WIDE, quantities.final_accuracy, Region(high=-RELEVANT), against=named.NORMAL,
        ),
        figure="final_accuracy",
    ),
    claim(
        "zeros_and_ones_are_enough",
        (ZHAO, "algorithm 1, where widths fall"),
        "Initial weights of only zeros and ones train as well as random ones.",
        Part("every seed learns", named.IDENTITY, quantities.seeds_that_learn, EVERY),
        Part(
            "it ends as well as He's random weights, or better, on average",
            named.IDENTITY, quantities.final_accuracy, Region(low=-RELEVANT), against=named.HE,
        ),
        Part(
            "under SGD it ends as well as PyTorch's default, or better, on average",
            named.IDENTITY_SGD, quantities.final_accuracy, Region(low=-RELEVANT),
            against=named.DEFAULT_SGD,
        ),
        figure="final_accuracy",
    ),
    claim(
        "lsuv_trains_deep_networks", (MISHKIN, "abstract; algorithm 1"),
        "With LSUV, very deep networks learn as well as with the standard initializations.",
        Part("every seed learns", named.DEEP_LSUV, quantities.seeds_that_learn, EVERY),
        Part(
            "it ends as well as He's weights, or better, on average",
            named.DEEP_LSUV, quantities.final_accuracy, Region(low=-RELEVANT),
            against=named.DEEP_HE,
        ),
        figure="final_accuracy",
    ),
)  # fmt: skip
