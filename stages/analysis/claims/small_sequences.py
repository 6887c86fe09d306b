"""Recurrent networks, transformers and maps that claims are about, each by its definition."""

from typing import Any

from stages.analysis import initializations as init
from stages.analysis.claims.small_named import (
    ADAM,
    FAST_ADAM,
    NORM,
    SGD,
    SHARED,
    ZERO,
    Pair,
    drawn,
    either,
    setting,
)
from stages.analysis.initializations import Initialization, Setting
from stages.analysis.maps import RATE
from stages.training.laws import Law

# --------------------------------------------------------------------------------- recurrent


def recurrent(words: str, kind: str, steps: int, *patterns: tuple[str, Law]) -> Initialization:
    """A recurrent network under Adam that reads 40 numbers in so many steps."""
    cell = {"relu_rnn": "ReLU RNN"}.get(kind, kind.upper())
    number = {10: "ten", 20: "twenty"}[steps]
    training = ADAM | {"lr": 0.01} if kind == "relu_rnn" else FAST_ADAM
    where = setting(
        f"a {cell} over {number} steps under Adam", "recurrent", training, kind=kind,
        patch=40 // steps,
    )  # fmt: skip
    return drawn(words, where, *patterns)


NO_BIAS = ("cell.bias*", ZERO)
FORGET: Law = ("parts", '{"values": [0.0, 1.0, 0.0, 0.0]}')
LSTM, FORGET_ZERO, FORGET_ONE, GRU, IDENTITY_RNN = (
    {steps: recurrent(words, kind, steps, *patterns) for steps in (10, 20)}
    for words, kind, patterns in (
        ("PyTorch's default", "lstm", ()),
        ("PyTorch's default, biases at 0", "lstm", (NO_BIAS,)),
        ("biases at 0, the forget gate's at 1", "lstm", (NO_BIAS, ("cell.bias_ih_l0", FORGET))),
        ("PyTorch's default", "gru", ()),
        ("recurrent weights identity, biases at 0", "relu_rnn",
         (NO_BIAS, ("cell.weight_hh_l0", ("eye", "{}")))),
    )
)  # fmt: skip

# ------------------------------------------------------------------------------- transformers


def transformer(
    words: str, *patterns: tuple[str, Law], kind: str = "a pre-norm transformer", **own: Any
) -> Pair:
    """Two blocks of a transformer, under both optimizers."""
    return either(
        lambda name, training: drawn(
            words, setting(f"{kind} under {name}", "transformer", training, **own), *patterns
        )
    )


PRE = transformer("PyTorch's default")
GATES = transformer(
    "PyTorch's default, branches times a trained 0",
    ("*gain?.weight", ZERO),
    kind="a pre-norm transformer with gains",
    gain="scalar",
)


def small_normal(words: str, ends: float) -> Pair:
    """Weights N(0, 0.02²) but for the last layers of branches, and biases at 0."""
    small, last = ("normal", 0.0, 0.02), ("normal", 0.0, ends)
    return transformer(
        words, ("*weight", small), ("*bias", ZERO), ("*norm*", init.DEFAULT_LAW),
        ("blocks.*.last.weight", last), ("*.proj.weight", last),
    )  # fmt: skip


SMALL = small_normal("N(0, 0.02²)", 0.02)
GPT2 = small_normal("N(0, 0.02²), ends of branches times 1/√4", 0.01)


def tied(words: str, law: Law) -> Pair:
    """A transformer over tokens whose embedding is its head, under both optimizers."""
    return either(
        lambda name, training: drawn(
            words, setting(f"a transformer with tied embeddings under {name}", "tokens", training),
            ("embed.weight", law),
        )
    )  # fmt: skip


TIED_ONE = tied("N(0, 1)", init.DEFAULT_LAW)
TIED_SMALL = tied("N(0, 0.02²)", ("normal", 0.0, 0.02))

# --------------------------------------------------------------------------------------- maps

SCALES = {
    norm: Initialization(
        "normal weights of seven standard deviations, from 10⁻⁵ to 10",
        setting(
            f"a heat map of standard deviations: three ReLU layers, normalization: {norm}, under "
            "SGD", "plain", SGD, norm=norm,
            x=["all.weight.normal.std", *(float(f"{10.0**i:.6g}") for i in range(-5, 2))], y=None,
        ),
        init.filled(("*weight", ("normal", 0.0, 1e-5)), ("*bias", ZERO), NORM),
    )
    for norm in ("none", "batch")
}  # fmt: skip

WIDTH = "network.mup.width"
WIDTHS = [32, 64, 128, 256, 512, 1024]
RATES = [0.000316228, 0.001, 0.00316228, 0.01, 0.0316228, 0.1]


def by_width(words: str, scaling: str) -> Initialization:
    """A map of learning rate × width in a parametrization."""
    shared = SHARED | {"optimizer": "adam", "network": "mup", "steps": 40}
    return Initialization(
        words,
        Setting(
            "a heat map of learning rate × width: two hidden ReLU layers under Adam, 40 steps",
            shared | {"x": [RATE, *RATES], "y": [WIDTH, *WIDTHS]},
        ),
        lambda plan: plan["arguments"].get("scaling") == scaling,
    )


STANDARD = by_width("the standard parametrization", "standard")
MUP = by_width("μP", "mup")
