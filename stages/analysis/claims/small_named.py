"""The small networks of many kinds that claims are about, each by its definition."""

import json
from collections.abc import Callable
from typing import Any, TypeAlias

from stages.analysis import initializations as init
from stages.analysis.claims.form import Part, Region
from stages.analysis.initializations import Initialization, Setting
from stages.analysis.quantities import Quantity
from stages.training.laws import Law

Pair: TypeAlias = tuple[Initialization, Initialization]  # under SGD, and under Adam

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
}  # fmt: skip

HE: Law = ("kaiming_normal", "fan_in", 2**0.5)
GAUSSIAN: Law = ("kaiming_normal", "fan_in", 1.0)
ZERO = init.ZERO
NORM = ("*norm*", init.DEFAULT_LAW)


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
) -> Pair:
    """An initialization under SGD with momentum, and under Adam."""
    return make("SGD", sgd), make("Adam", adam)


def under_both(
    stated: str,
    pair: Pair,
    quantity: Quantity,
    region: Region,
    against: Pair | None = None,
    **more: Any,
) -> tuple[Part, ...]:
    """A part under SGD and one under Adam, stated with the name of the optimizer."""
    others = against or (None, None)
    return tuple(
        Part(stated.format(name), one, quantity, region, against=other, **more)
        for name, one, other in zip(("SGD", "Adam"), pair, others, strict=True)
    )  # fmt: skip


# ------------------------------------------------------------------------------ residual blocks


def residual(words: str, *patterns: tuple[str, Law], **own: Any) -> Pair:
    """He's weights but for the patterns, in residual blocks, under both optimizers."""
    blocks = own.get("blocks", ARGUMENTS["residual"]["blocks"])
    # A gain of 1 is PyTorch's default, written out or not.
    start = (("*weight", HE), ("*bias", ZERO), NORM, ("*gain*", init.DEFAULT_LAW))
    return either(
        lambda name, training: drawn(
            words, setting(f"{blocks} residual blocks under {name}", "residual", training, **own),
            *start, *patterns,
        ),
        SLOW_SGD,
    )  # fmt: skip


LAST, GAIN = "blocks.*.last.*", "blocks.*.gain.weight"
RESIDUAL = residual("He's weights")
SIGNED: Law = ("signs", '{"gain": 1.4142135623730951}')
SIGNS = residual("±√(2/n) with random signs", ("*weight", SIGNED))
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


def deep(words: str, *patterns: tuple[str, Law], blocks: int = 16, **own: Any) -> Initialization:
    """He's weights but for the patterns, in residual blocks under SGD."""
    return residual(words, *patterns, blocks=blocks, **own)[0]


DEEP_HE = deep("He's weights")
SHALLOW_HE = deep("He's weights", blocks=2)
DEEP_BATCH = deep("He's weights, BatchNorm before every branch", norm="batch")
DEEP_LAYER = deep("He's weights, LayerNorm before every branch", norm="layer")
DEEP_REZERO = deep("He's weights, branches times a trained 0", (GAIN, ZERO), gain="scalar")
DEEP_ROOT = deep("He's weights, branches times 1/√16", scale=0.25)

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
CONSTANT = (("*weight", ("constant", 0.1)), ("*bias", ZERO), NORM)
NORMS = ("batch", "layer")
CONSTANTS = {norm: plain("all weights 0.1", BOTH[1], *CONSTANT, norm=norm) for norm in NORMS}
NORMED = {norm: plain("PyTorch's default", BOTH[1], norm=norm) for norm in NORMS}


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


def adapted(words: str, *patterns: tuple[str, Law]) -> Pair:
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
) -> Pair:
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


def equal(words: str, noise: float) -> Pair:
    """All filters of a layer equal, but for noise of this standard deviation."""

    def law(rows: int, columns: int) -> Law:
        given = {"rows": rows, "columns": columns, "noise": noise}
        return "duplicated", json.dumps(given)

    return convolution(
        words, ("blocks.*.weight", law(16, 16)), ("blocks.0.conv.weight", law(16, 1)),
        ("out.weight", law(1, 16)), ("*bias", ZERO), kind="three convolutions",
    )  # fmt: skip


EQUAL = equal("all filters of a layer equal", 0.0)
NEARLY_EQUAL = equal("all filters of a layer equal but for noise of 10⁻⁶", 1e-6)
