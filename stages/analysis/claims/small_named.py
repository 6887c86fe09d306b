"""The small networks of many kinds that claims are about, each by its definition."""

from collections.abc import Callable
from typing import Any

from stages.analysis import initializations as init
from stages.analysis.initializations import Initialization, Setting
from stages.analysis.maps import RATE
from stages.training.laws import Law

NEAR = 0.05  # "as good as" in these short trainings, which end at about half of all examples
BETTER = 0.02  # the smallest relevant difference

SGD = {"optimizer": "sgd", "lr": 0.05, "momentum": 0.9}
ADAM = {"optimizer": "adam", "lr": 0.003, "momentum": 0.0}
SLOW_SGD = SGD | {"lr": 0.01}
FAST_SGD = SGD | {"lr": 0.1}
FAST_ADAM = ADAM | {"lr": 0.02}
SHARED = {"data": "mnist1d", "limit": None, "batch_size": 64, "weight_decay": 0.0}

# Every argument of a network's `build` but those that a claim names.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "plain": {"width": 64, "depth": 3, "activation": "relu", "norm": "none", "omega": 1.0},
    "residual": {
        "width": 64, "blocks": 4, "norm": "none", "scale": 1.0, "gain": "none", "skip": True,
    },
    "adapted": {"width": 64, "depth": 2, "rank": 4, "alpha": 4.0},
    "convolutional": {
        "channels": [16, 16, 16], "norm": "none", "depthwise": False, "groups": 1,
        "last_relu": False, "stride": 2,
    },
    "recurrent": {"kind": "lstm", "width": 32, "layers": 1, "patch": 4},
    "transformer": {
        "depth": 2, "width": 32, "heads": 2, "patch": 10, "norm": "pre", "packed": True,
        "registers": 0, "gain": "none",
    },
    "tokens": {"vocabulary": 32, "width": 32, "depth": 1, "heads": 2, "stride": 8, "tied": True},
    "mixture": {"experts": 4, "width": 16},
    "mup": {"width": 64, "depth": 1, "scaling": "mup", "base": 64},
}  # fmt: skip

HE: Law = ("kaiming_normal", "fan_in", 2**0.5)
GAUSSIAN: Law = ("kaiming_normal", "fan_in", 1.0)
ZERO = init.ZERO
HE_ALL = (("*weight", HE), ("*bias", ZERO), ("*gain*weight", ("constant", 1.0)))


def setting(words: str, network: str, training: dict[str, Any], **own: Any) -> Setting:
    """A network with the arguments that differ from ARGUMENTS, under a training of one epoch.

    `steps` and what a heat map varies are settings as well.
    """
    given = {key: own.pop(key) for key in list(own) if key in ARGUMENTS[network]}
    values = SHARED | training | {"steps": 63} | own
    arguments = ARGUMENTS[network] | given
    return Setting(words, values | {"network": network, "arguments": arguments})


def drawn(words: str, where: Setting, *patterns: tuple[str, Law]) -> Initialization:
    """Tensors by the pattern of their names, and PyTorch's default in all others."""
    return Initialization(words, where, init.filled(*patterns))


def either(
    make: Callable[[str, dict[str, Any]], Initialization],
    sgd: dict[str, Any] = SGD,
    adam: dict[str, Any] = ADAM,
) -> tuple[Initialization, Initialization]:
    """An initialization under SGD with momentum, and under Adam."""
    return make("SGD", sgd), make("Adam", adam)


# ------------------------------------------------------------------------------ residual blocks


def residual(
    words: str, *patterns: tuple[str, Law], **own: Any
) -> tuple[Initialization, Initialization]:
    """He's weights but for the patterns, in four residual blocks, under both optimizers."""
    # A gain of 1 is PyTorch's default, written out or not.
    start = [("*gain*", init.DEFAULT_LAW), *patterns]
    return either(
        lambda name, training: drawn(
            words, setting(f"residual blocks under {name}", "residual", training, **own),
            ("*weight", HE), ("*bias", ZERO), *start,
        ),
        SLOW_SGD,
    )  # fmt: skip


def deep(words: str, *patterns: tuple[str, Law], blocks: int = 16, **own: Any) -> Initialization:
    """He's weights but for the patterns, in residual blocks under SGD."""
    where = setting(
        f"{blocks} residual blocks under SGD", "residual", SLOW_SGD, blocks=blocks, **own
    )
    norm = ("*norm*", init.DEFAULT_LAW)
    return drawn(
        words, where, ("*weight", HE), ("*bias", ZERO), norm, ("*gain*", init.DEFAULT_LAW),
        *patterns,
    )  # fmt: skip


LAST, FIRST, GAIN = "blocks.*.last.*", "blocks.*.first.*", "blocks.*.gain.weight"
RESIDUAL = residual("He's weights")
SIGNS = either(
    lambda name, training: drawn(
        "±√(2/n) with random signs",
        setting(f"four residual blocks under {name}", "residual", training),
        ("*weight", ("signs", '{"gain": 1.4142135623730951}')), ("*bias", ZERO),
    ),
    SLOW_SGD,
)  # fmt: skip
ZERO_LAST = residual("He's weights, zeros in the last layer of every branch", (LAST, ZERO))
ZERO_OUT = residual("He's weights, zeros in the output layer", ("out.*", ZERO))
REZERO = residual("He's weights, branches times a trained 0", (GAIN, ZERO), gain="scalar")
TWO_ZEROS = residual("He's weights, zeros in both layers of every branch", ("blocks.*", ZERO))
NO_SKIP = residual(
    "He's weights, layers times a trained 0 without a skip", (GAIN, ZERO), gain="scalar", skip=False
)
GAMMA_ONE = residual("He's weights, branches that end in BatchNorm with γ = 1", gain="batch")
GAMMA_ZERO = residual(
    "He's weights, branches that end in BatchNorm with γ = 0", (GAIN, ZERO), gain="batch"
)
FIXUP = residual(
    "Fixup in 16 blocks",
    ("blocks.*.first.weight", ("kaiming_normal", "fan_in", 0.125**0.5)),
    (LAST, ZERO),
    ("out.*", ZERO),
    gain="scalar",
    blocks=16,
)

DEEP_HE = deep("He's weights")
SHALLOW_HE = deep("He's weights", blocks=2)
DEEP_BATCH = deep("He's weights, BatchNorm before every branch", norm="batch")
DEEP_LAYER = deep("He's weights, LayerNorm before every branch", norm="layer")
DEEP_REZERO = deep("He's weights, branches times a trained 0", (GAIN, ZERO), gain="scalar")
DEEP_ROOT = deep("He's weights, branches times 1/√16", scale=0.25)
DEEP_ZERO_LAST = deep("He's weights, zeros in the last layer of every branch", (LAST, ZERO))

# ------------------------------------------------------------------------- plain and normalized


def plain(
    words: str, training: tuple[str, dict[str, Any]], *patterns: tuple[str, Law], **own: Any
) -> Initialization:
    """Fully connected layers, with the patterns, biases at 0 and PyTorch's default elsewhere."""
    name, values = training
    depth = own.get("depth", 3)
    layers = {3: "three", 12: "twelve"}[depth]
    norm = {"batch": " with BatchNorm", "layer": " with LayerNorm"}.get(own.get("norm", ""), "")
    active = own.get("activation", "relu")
    kind = {"relu": "ReLU", "selu": "SELU"}.get(active, active)
    where = setting(f"{layers} {kind} layers{norm} under {name}", "plain", values, **own)
    return drawn(words, where, *patterns)


BOTH = (("SGD", SGD), ("Adam", ADAM))
NORM = ("*norm*", init.DEFAULT_LAW)
CONSTANT = (("*weight", ("constant", 0.1)), ("*bias", ZERO), NORM)
NORMS = ("batch", "layer")
CONSTANTS = {norm: plain("all weights 0.1", BOTH[1], *CONSTANT, norm=norm) for norm in NORMS}
NORMED = {norm: plain("PyTorch's default", BOTH[1], norm=norm) for norm in NORMS}
SCALES = {
    (name, norm): Initialization(
        "normal weights of seven standard deviations, from 10⁻⁵ to 10",
        setting(
            f"a heat map of standard deviations: three ReLU layers, normalization: {norm}, under "
            f"{name}", "plain", values, norm=norm,
            x=["all.weight.normal.std", *(float(f"{10.0**i:.6g}") for i in range(-5, 2))], y=None,
        ),
        init.filled(("*weight", ("normal", 0.0, 1e-5)), ("*bias", ZERO), NORM),
    )
    for name, values in BOTH
    for norm in ("none", "batch", "layer")
}  # fmt: skip


def twelve(words: str, active: str, weights: Law | None, *more: tuple[str, Law]) -> Initialization:
    """Twelve layers under SGD with weights of one law and biases at 0, or PyTorch's default."""
    patterns = [("*weight", weights), ("*bias", ZERO)] if weights else []
    return plain(words, BOTH[0], *patterns, *more, depth=12, activation=active)


TANH_DEFAULT = twelve("PyTorch's default", "tanh", None)
TANH_ONE = twelve("Xavier's weights", "tanh", ("xavier_normal", 1.0))
SELU_DEFAULT = twelve("PyTorch's default", "selu", None)
SELU_ONE = twelve("N(0, 1/n)", "selu", GAUSSIAN)
SELU_LESS = twelve("N(0, 0.75²/n)", "selu", ("kaiming_normal", "fan_in", 0.75))
SINE_DEFAULT = twelve("PyTorch's default", "sine", None)
SIREN_LAW: Law = ("kaiming_uniform", "fan_in", 2**0.5)
SIREN = twelve("U(±√(6/n)) in all layers", "sine", SIREN_LAW)

# ---------------------------------------------------------------------------------- adapters


def adapted(words: str, *patterns: tuple[str, Law]) -> tuple[Initialization, Initialization]:
    """Low-rank products beside frozen layers, under both optimizers."""
    return either(
        lambda name, training: drawn(
            words, setting(f"low-rank adapters under {name}", "adapted", training), *patterns
        )
    )


LORA = adapted("A random, B zero", ("*.b.weight", ZERO))
LORA_ZERO = adapted("A and B zero", ("*.a.weight", ZERO), ("*.b.weight", ZERO))

# ------------------------------------------------------------------------------- convolutions


def convolution(
    words: str, *patterns: tuple[str, Law], kind: str = "convolutions", **own: Any
) -> tuple[Initialization, Initialization]:
    """Convolutions, under both optimizers; layers of normalization keep PyTorch's default."""
    return either(
        lambda name, training: drawn(
            words, setting(f"{kind} under {name}", "convolutional", training, **own), *patterns
        ),
        FAST_SGD,
        FAST_ADAM,
    )


HE_CONVOLUTION = (("*weight", HE), ("*bias", ZERO), NORM)
FAN_OUT: Law = ("kaiming_normal", "fan_out", 2**0.5)
FAN_IN_CONV = convolution("He's weights by fan-in", *HE_CONVOLUTION, kind="three convolutions")
FAN_OUT_CONV = convolution(
    "He's weights by fan-out", ("*weight", FAN_OUT), ("*bias", ZERO), kind="three convolutions",
)  # fmt: skip
DEPTHWISE, DEPTHWISE_ALL, DEPTHWISE_BATCH, DEPTHWISE_ALL_BATCH = (
    convolution(
        f"He's weights, depthwise by the fan-out of {words}", *HE_CONVOLUTION,
        ("*depthwise.weight", law), kind=kind, depthwise=True, norm=norm,
    )
    for norm, kind in (
        ("none", "depthwise convolutions"), ("batch", "depthwise convolutions with BatchNorm"),
    )
    for words, law in (("a group", HE), ("all groups", FAN_OUT))
)  # fmt: skip
EQUAL = convolution(
    "all filters of a layer equal",
    ("blocks.*.weight", ("duplicated", '{"rows": 16, "columns": 16, "noise": 0.0}')),
    ("blocks.0.conv.weight", ("duplicated", '{"rows": 16, "columns": 1, "noise": 0.0}')),
    ("out.weight", ("duplicated", '{"rows": 1, "columns": 16, "noise": 0.0}')), ("*bias", ZERO),
    kind="three convolutions",
)  # fmt: skip
NEARLY_EQUAL = convolution(
    "all filters of a layer equal but for noise of 10⁻⁶",
    ("blocks.*.weight", ("duplicated", '{"rows": 16, "columns": 16, "noise": 1e-06}')),
    ("blocks.0.conv.weight", ("duplicated", '{"rows": 16, "columns": 1, "noise": 1e-06}')),
    ("out.weight", ("duplicated", '{"rows": 1, "columns": 16, "noise": 1e-06}')), ("*bias", ZERO),
    kind="three convolutions",
)  # fmt: skip

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
LSTM, FORGET_ZERO, FORGET_ONE, GRU, IDENTITY_RNN, GAUSSIAN_RNN = (
    {steps: recurrent(words, kind, steps, *patterns) for steps in (10, 20)}
    for words, kind, patterns in (
        ("PyTorch's default", "lstm", ()),
        ("PyTorch's default, biases at 0", "lstm", (NO_BIAS,)),
        ("biases at 0, the forget gate's at 1", "lstm", (NO_BIAS, ("cell.bias_ih_l0", FORGET))),
        ("PyTorch's default", "gru", ()),
        ("recurrent weights identity, biases at 0", "relu_rnn",
         (NO_BIAS, ("cell.weight_hh_l0", ("eye", "{}")))),
        ("recurrent weights N(0, 1/n), biases at 0", "relu_rnn",
         (NO_BIAS, ("cell.weight_hh_l0", GAUSSIAN))),
    )
)  # fmt: skip

# ------------------------------------------------------------------------------- transformers


def transformer(
    words: str, *patterns: tuple[str, Law], kind: str = "a pre-norm transformer", **own: Any
) -> tuple[Initialization, Initialization]:
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


def small_normal(words: str, ends: float) -> tuple[Initialization, Initialization]:
    """Weights N(0, 0.02²) but for the last layers of branches, and biases at 0."""
    small, last = ("normal", 0.0, 0.02), ("normal", 0.0, ends)
    return transformer(
        words, ("*weight", small), ("*bias", ZERO), ("*norm*", init.DEFAULT_LAW),
        ("blocks.*.last.weight", last), ("*.proj.weight", last),
    )  # fmt: skip


SMALL = small_normal("N(0, 0.02²)", 0.02)
GPT2 = small_normal("N(0, 0.02²), ends of branches times 1/√4", 0.01)


def tied(words: str, law: Law) -> tuple[Initialization, Initialization]:
    """A transformer over tokens whose embedding is its head, under both optimizers."""
    return either(
        lambda name, training: drawn(
            words, setting(f"a transformer with tied embeddings under {name}", "tokens", training),
            ("embed.weight", law),
        )
    )  # fmt: skip


TIED_ONE = tied("N(0, 1)", init.DEFAULT_LAW)
TIED_SMALL = tied("N(0, 0.02²)", ("normal", 0.0, 0.02))

# -------------------------------------------------------------------------------------- width

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
