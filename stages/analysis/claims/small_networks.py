"""Claims of the literature about networks of other kinds, judged in small ones on MNIST-1D.

A source's network is as a rule larger, its data are others, and it trains for longer: what is
judged is what it says of initialization, here. Accuracies within five points count as equally good,
and two points are the smallest relevant difference.
"""

from stages.analysis.cell_quantities import (
    cells_that_learn,
    end_loss,
    gain_of_width,
    log_start_loss,
    same_start,
    shift_of_best_rate,
)
from stages.analysis.claims import small_named as small
from stages.analysis.claims import small_sequences as sequences
from stages.analysis.claims.form import EVERY, Part, Region, claim
from stages.analysis.claims.small_named import BETTER, NEAR, under_both
from stages.analysis.quantities import final_accuracy, seeds_that_learn

IOFFE = "Ioffe & Szegedy 2015"
GOYAL = "Goyal et al. 2017"
ZHANG = "Zhang et al. 2019"
DE_SMITH = "De & Smith 2020"
BACHLECHNER = "Bachlechner et al. 2021"
HU = "Hu et al. 2021"
LE = "Le et al. 2015"
JOZEFOWICZ = "Jozefowicz et al. 2015"
SAXE = "Saxe et al. 2013"
YANG = "Yang et al. 2022"
KLAMBAUER = "Klambauer et al. 2017"
SITZMANN = "Sitzmann et al. 2020"
HE_2015 = "He et al. 2015"
PEEBLES = "Peebles & Xie 2023"
TIMM = "pytorch-image-models, notes of 29 February 2020"

NO_SEED = Region(high=1e-6)  # as a share of them
NEARLY = Region(low=-NEAR)  # at least as good
LESS = Region(high=-NEAR)  # of a loss in nats

SMALL_NETWORKS = (
    claim(
        "zero_gamma_eases_start", (GOYAL, "section 5.1"),
        "A γ of 0 in the last BatchNorm of every residual block eases optimization at the start of "
        "training.",
        Part(
            "after one epoch of SGD, the training loss is lower than with a γ of 1, on average",
            small.GAMMA_ZERO[0], end_loss, LESS, against=small.GAMMA_ONE[0],
        ),
    ),
    claim(
        "residual_variance_explodes", (ZHANG, "section 2"),
        "Without normalization, standard initializations let the outputs of residual networks grow "
        "exponentially with depth.",
        Part(
            "with 16 blocks, the loss before training is more than ten times that with two",
            small.DEEP_HE, log_start_loss, Region(low=1), against=small.SHALLOW_HE,
            against_learns=False,
        ),
    ),
    claim(
        "fixup_as_stable", (ZHANG, "abstract"),
        "Training with Fixup is as stable as training with normalization.",
        *under_both("under {}, every seed learns", small.FIXUP, seeds_that_learn, EVERY),
    ),
    claim(
        "skipinit_trains", (DE_SMITH, "abstract"),
        "A residual branch that is scaled down at initialization lets deep networks train without "
        "normalization; unscaled, they do not.",
        Part("times a trained 0, every seed learns", small.DEEP_REZERO, seeds_that_learn, EVERY),
        Part("times 1/√16, every seed learns", small.DEEP_ROOT, seeds_that_learn, EVERY),
        Part(
            "unscaled, no seed learns", small.DEEP_HE, seeds_that_learn, NO_SEED,
        ),
    ),
    claim(
        "rezero_converges_fast", (BACHLECHNER, "abstract"),
        "Branches times a trained 0 converge fast, in deep fully connected networks too.",
        *(
            Part(
                f"with 16 blocks and after one epoch, the training loss is lower than with {name}",
                small.DEEP_REZERO, end_loss, LESS, against=other,
            )
            for name, other in (("BatchNorm", small.DEEP_BATCH), ("LayerNorm", small.DEEP_LAYER))
        ),
    ),
    claim(
        "lora_starts_unchanged", (HU, "section 4.1"),
        "With A random and B zero, a low-rank product is zero at the start of training.",
        *under_both(
            "the loss before training is that of both at zero, in every seed ({})",
            small.LORA, same_start, Region(high=1e-6), small.LORA_ZERO, against_learns=False,
        ),
    ),
    claim(
        "identity_rnn_like_lstm", (LE, "abstract"),
        "A recurrent network of ReLUs that starts at the identity is comparable to an LSTM.",
        *(
            Part(
                f"over {steps} steps, it ends at most 5 points below, on average",
                sequences.IDENTITY_RNN[steps], final_accuracy, NEARLY,
                against=sequences.LSTM[steps],
            )
            for steps in (10, 20)
        ),
    ),
    claim(
        "forget_bias_closes_gap", (JOZEFOWICZ, "abstract"),
        "A bias of 1 in the LSTM's forget gate closes the gap between LSTM and GRU.",
        *(
            Part(
                f"over {steps} steps, the LSTM then ends at most 5 points below the GRU",
                sequences.FORGET_ONE[steps], final_accuracy, NEARLY, against=sequences.GRU[steps],
            )
            for steps in (10, 20)
        ),
        Part(
            "over twenty steps, it ends above a bias of 0, on average",
            sequences.FORGET_ONE[20], final_accuracy, Region(low=BETTER),
            against=sequences.FORGET_ZERO[20],
        ),
    ),
    claim(
        "tanh_gain_decays", (SAXE, "section 4, equations 20 to 22"),
        "In deep tanh networks, activity decays for weights smaller than a critical gain of 1.",
        Part(
            "with twelve layers and PyTorch's default, whose gain is 1/√3, no seed learns",
            small.TANH_DEFAULT, seeds_that_learn, NO_SEED,
        ),
        Part("with a gain of 1, every seed learns", small.TANH_ONE, seeds_that_learn, EVERY),
    ),
    claim(
        "selu_wants_one_over_n", (KLAMBAUER, "paragraph on initialization"),
        "SELU networks normalize themselves with weights of variance 1/n.",
        Part("with twelve layers, every seed learns", small.SELU_ONE, seeds_that_learn, EVERY),
        *(
            Part(
                f"it ends above {other.words}, on average",
                small.SELU_ONE, final_accuracy, Region(low=BETTER), against=other,
            )
            for other in (small.SELU_DEFAULT, small.SELU_LESS)
        ),
    ),
    claim(
        "siren_needs_its_start", (SITZMANN, "section 3.2"),
        "In networks of sines, weights U(±√(6/n)) keep the distribution of activations, whatever "
        "the number of layers; weights chosen without care learn badly.",
        Part(
            "with twelve layers, every seed learns", small.SIREN, seeds_that_learn, EVERY,
        ),
        Part(
            "it ends above PyTorch's default, on average",
            small.SIREN, final_accuracy, Region(low=BETTER), against=small.SINE_DEFAULT,
            against_learns=False,
        ),
    ),
    claim(
        "either_fan_is_enough", (HE_2015, "section 2.2, end of the backward case"),
        "Weights scaled by fan-in or by fan-out are sufficient alone.",
        *(
            Part(
                f"{one.words}, under {name}: every seed learns", one, seeds_that_learn, EVERY,
            )
            for pair in (small.FAN_IN_CONV, small.FAN_OUT_CONV)
            for name, one in zip(("SGD", "Adam"), pair, strict=True)
        ),
    ),
    claim(
        "adaln_zero_better", (PEEBLES, "section 3.2 and figure 5"),
        "Transformer blocks that start as the identity, by gates of 0 (adaLN-Zero), outperform "
        "others.",
        *under_both(
            "under {}, gains of 0 end above none, on average",
            sequences.GATES, final_accuracy, Region(low=BETTER), sequences.PRE,
        ),
    ),
    claim(
        "depthwise_fan_helps", (TIMM, "on fan-out of depthwise convolutions"),
        "Depthwise convolutions scaled by the fan-out of a group train a bit better early than by "
        "that of all groups.",
        *(
            Part(
                f"{where}, under {name}, on average",
                one, final_accuracy, Region(low=BETTER), against=other,
            )
            for where, own, all_ in (
                ("without normalization", small.DEPTHWISE, small.DEPTHWISE_ALL),
                ("with BatchNorm", small.DEPTHWISE_BATCH, small.DEPTHWISE_ALL_BATCH),
            )
            for name, one, other in zip(("SGD", "Adam"), own, all_, strict=True)
        ),
    ),
)  # fmt: skip

# Evidence for these are rows of sweeps, or whole ones, instead of cells.
SMALL_MAPS = (
    claim(
        "batchnorm_less_careful", (IOFFE, "abstract"),
        "Batch normalization allows us to be less careful about initialization.",
        Part(
            "of seven standard deviations from 10⁻⁵ to 10, a seed learns at two more with it under "
            "SGD, on average",
            sequences.SCALES["batch"], cells_that_learn, Region(low=1.5),
            against=sequences.SCALES["none"],
        ),
    ),
    claim(
        "best_rate_falls", (YANG, "section 3, figure 3, left"),
        "In the standard parametrization, the best learning rate falls with width.",
        Part(
            "from width 64 to 1,024, by a factor of more than 3, on average",
            sequences.STANDARD, shift_of_best_rate, Region(high=-0.48),
        ),
    ),
    claim(
        "best_rate_stays", (YANG, "section 4, figure 3, right"),
        "Under μP, the best learning rate stays, and a wider network is at least as good.",
        Part(
            "from width 64 to 1,024, it moves by less than a factor of 5, on average",
            sequences.MUP, shift_of_best_rate, Region(-0.7, 0.7),
        ),
        Part(
            "at the best rate of width 64, the loss at width 1,024 is lower, on average",
            sequences.MUP, gain_of_width, Region(low=0),
        ),
    ),
)  # fmt: skip
