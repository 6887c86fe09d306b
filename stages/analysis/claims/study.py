"""Claims of this study: what it adds to the lecture, judged like all others."""

from stages.analysis import quantities
from stages.analysis.claims import named
from stages.analysis.claims.form import EVERY, Part, Region, claim
from stages.analysis.claims.named import RELEVANT
from stages.analysis.quantities import CLEARLY

OWN = "this study"

STUDY = (
    claim(
        "adam_undoes_scale", (OWN, "little randomness, under two optimizers"),
        "Next to no randomness is enough for Adam, and not for SGD, which does not undo the scale "
        "of a gradient.",
        *(
            Part(
                f"{one.words}: Adam ends within 10 points of PyTorch's default, on average",
                one, quantities.final_accuracy, Region(-CLEARLY), against=named.DEFAULT,
            )
            for one in (named.TINY, named.NOISE)
        ),
        *(
            Part(
                f"{one.words}: every seed of SGD ends more than 10 points below PyTorch's default",
                one, quantities.seeds_below(CLEARLY), EVERY, against=named.DEFAULT_SGD,
            )
            for one in (named.TINY_SGD, named.NOISE_SGD)
        ),
        figure="final_accuracy",
    ),
    claim(
        "identity_under_sgd", (OWN, "initial weights that are not random"),
        "Under SGD, identity is worse than PyTorch's default.",
        Part(
            "it ends below PyTorch's default, on average",
            named.IDENTITY_SGD, quantities.final_accuracy, Region(high=-RELEVANT),
            against=named.DEFAULT_SGD,
        ),
        figure="final_accuracy",
    ),
    claim(
        "large_scale_costs", (OWN, "random weights of another size"),
        "Normal weights with a standard deviation of 1 learn, and cost accuracy.",
        Part("every seed learns", named.WIDE, quantities.seeds_that_learn, EVERY),
        Part(
            "it ends below PyTorch's default, on average",
            named.WIDE, quantities.final_accuracy, Region(high=-RELEVANT), against=named.DEFAULT,
        ),
        figure="final_accuracy",
    ),
)  # fmt: skip
