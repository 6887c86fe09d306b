"""This study's own claims about small networks of other kinds."""

from stages.analysis import quantities
from stages.analysis.cell_quantities import distinct, start_loss, still, still_at_least
from stages.analysis.claims import small_named as small
from stages.analysis.claims import small_sequences as sequences
from stages.analysis.claims.form import EVERY, Part, Region, claim
from stages.analysis.claims.small_named import BETTER, NEAR, under_both
from stages.analysis.claims.study import OWN
from stages.analysis.quantities import CLEARLY, final_accuracy, seeds_that_learn

NAMES = ("SGD", "Adam")

SMALL_STUDY = (
    claim(
        "one_zero_heals", (OWN, "one zero in a product"),
        "One zero in a chain of layers does no lasting harm: all tensors change, and the network "
        "learns.",
        *(
            Part(f"{one.words}, under {name}: every seed learns", one, seeds_that_learn, EVERY)
            for pair in (small.ZERO_LAST, small.ZERO_OUT, small.REZERO, small.GAMMA_ZERO)
            for name, one in zip(NAMES, pair, strict=True)
        ),
        *(
            Part(f"{one.words}, under {name}: every tensor changes", one, still, Region(high=1e-6))
            for pair in (small.ZERO_LAST, small.ZERO_OUT, small.REZERO, small.GAMMA_ZERO)
            for name, one in zip(NAMES, pair, strict=True)
        ),
    ),
    claim(
        "two_zeros_never_heal", (OWN, "two zeros in a product"),
        "Two zeros in a product are final: tensors stay what they were, whatever the optimizer.",
        *(
            Part(
                f"low-rank adapters under {name}: no tensor changes",
                one, still_at_least, Region(low=1 - 1e-6),
            )
            for name, one in zip(NAMES, small.LORA_ZERO, strict=True)
        ),
        *(
            Part(
                f"{one.words}, under {name}: more than half of the tensors never change",
                one, still_at_least, Region(low=0.5),
            )
            for pair in (small.TWO_ZEROS, small.NO_SKIP)
            for name, one in zip(NAMES, pair, strict=True)
        ),
        *under_both(
            "without a skip, under {}, no seed learns",
            small.NO_SKIP, seeds_that_learn, Region(high=1e-6),
        ),
    ),
    claim(
        "normalization_keeps_constants", (OWN, "constants under normalization"),
        "Normalization does not forgive constants: units stay equal.",
        *(
            Part(
                f"with {norm.capitalize()}Norm, every seed ends more than 10 points below "
                "PyTorch's default",
                small.CONSTANTS[norm], quantities.seeds_below(CLEARLY), EVERY,
                against=small.NORMED[norm],
            )
            for norm in small.NORMS
        ),
    ),
    claim(
        "signs_are_enough", (OWN, "weights of one size and a random sign"),
        "Only the signs need be random: ±√(2/n) is as good as He's weights.",
        *under_both(
            "under {}, within 5 points, on average",
            small.SIGNS, final_accuracy, Region(-NEAR, NEAR), small.RESIDUAL,
        ),
    ),
    claim(
        "gpt2_scaling_matters_little", (OWN, "1/√N beside LayerNorm"),
        "In two pre-norm blocks, scaling the ends of branches by 1/√N changes little.",
        *under_both(
            "under {}, within 5 points, on average",
            sequences.GPT2, final_accuracy, Region(-NEAR, NEAR), sequences.SMALL,
        ),
    ),
    claim(
        "tied_embeddings_want_small", (OWN, "an embedding that is the head as well"),
        "A tied embedding of N(0, 1) starts with a far larger loss than guessing, and learns worse "
        "than one of N(0, 0.02²).",
        Part(
            "N(0, 1) starts above twice ln 10",
            sequences.TIED_ONE[1], start_loss, Region(low=4.6),
        ),
        Part(
            "N(0, 0.02²) starts within 5 % of ln 10",
            sequences.TIED_SMALL[1], start_loss, Region(2.187, 2.418),
        ),
        *under_both(
            "under {}, N(0, 0.02²) ends above N(0, 1), on average",
            sequences.TIED_SMALL, final_accuracy, Region(low=BETTER),
            sequences.TIED_ONE, against_learns=False,
        ),
    ),
    claim(
        "nearly_equal_filters_part", (OWN, "filters that differ by a millionth"),
        "Filters that differ by a millionth part under Adam, and stay together under SGD.",
        Part(
            "under Adam, they end more than 5 points above equal filters, on average",
            small.NEARLY_EQUAL[1], final_accuracy, Region(low=NEAR), against=small.EQUAL[1],
        ),
        Part(
            "under SGD, at most half of the units are distinct at the end",
            small.NEARLY_EQUAL[0], distinct, Region(high=0.5),
        ),
        Part(
            "of equal filters, at most half are distinct under Adam too",
            small.EQUAL[1], distinct, Region(high=0.5),
        ),
    ),
)  # fmt: skip
