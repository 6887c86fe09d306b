"""The initializations and settings that claims are about, each by its definition."""

from collections.abc import Callable, Container
from dataclasses import replace

from stages.analysis import initializations as init
from stages.analysis.initializations import Initialization, Setting
from stages.training.laws import Law

# The smallest relevant difference of accuracies: a quarter of the errors that PyTorch's default
# makes on MNIST. Less is "as good as".
RELEVANT = 0.005
ROUNDING_GAP = 1e-5  # a symmetry gap up to this is rounding

SETTING = Setting(
    "the lecture's network and training",
    {
        "data": "mnist", "limit": None, "network": "mlp", "crop": None, "hidden": [128, 64],
        "activation": "relu", "epochs": 10, "batch_size": 64, "optimizer": "adam", "lr": 0.001,
        "momentum": 0.0, "weight_decay": 0.0,
    },
)  # fmt: skip
SGD = {"epochs": 2, "optimizer": "sgd", "lr": 0.01}
TANH = Setting(
    "five hidden tanh layers of 128 under SGD (0.01), 10 epochs",
    SETTING.values | {"hidden": [128] * 5, "activation": "tanh", "optimizer": "sgd", "lr": 0.01},
)
DEEP = Setting(
    "30 hidden ReLU layers of 64 under SGD (0.01), 2 epochs",
    SETTING.values | SGD | {"hidden": [64] * 30},
)
DEEP_LINEAR = Setting(
    "30 hidden linear layers of 64 under SGD (0.01), 2 epochs",
    SETTING.values | SGD | {"hidden": [64] * 30, "activation": "linear"},
)


def constant(words: str, holds: Callable[[float], bool]) -> Initialization:
    """Every tensor at one constant for which a condition holds, in the lecture's setting."""

    def fills(plan: init.PlanValues) -> bool:
        value = init.constant(plan)
        return value is not None and holds(value)

    return Initialization(f"every tensor at {words}", SETTING, fills)


def drawn(words: str, laws: Container[Law], setting: Setting = SETTING) -> Initialization:
    """Weights of these laws, and biases at 0."""
    return Initialization(f"{words}, biases at 0", setting, init.weights(laws))


# ------------------------------------------------------ constants, in the lecture's setting

FC1_ZERO = Initialization(
    "fc1 at 0, the rest at PyTorch's default", SETTING, lambda plan: init.alone(plan, "fc1") == 0
)
FC1_CONSTANT = Initialization(
    "fc1 at a constant above 0 and up to 1, the rest at PyTorch's default",
    SETTING,
    lambda plan: 0 < (init.alone(plan, "fc1") or 0) <= 1,
)
ZEROS = constant("0", lambda value: value == 0)
ONES = constant("1", lambda value: value == 1)
NEGATIVE = constant("one constant below 0", lambda value: value < 0)
BETWEEN = constant("one constant between 0 and 1", lambda value: 0 < value < 1)
OTHER_CONSTANT = constant("one constant other than 0 and 1", lambda value: value not in (0, 1))
POSITIVE = constant("one constant above 0", lambda value: value > 0)
CONSTANT = constant("one constant", lambda value: True)

# ------------------------------------------------------- all others, in the lecture's setting

DEFAULT = Initialization("PyTorch's default in every tensor", SETTING, init.default)
RANDOM = Initialization(
    "random weights of the size that PyTorch, Xavier, He, LeCun or orthogonal matrices have",
    SETTING,
    lambda plan: init.default(plan) or init.weights(init.SIZED)(plan),
)
DETERMINISTIC = Initialization(
    "weights that are neither random nor constant", SETTING, init.deterministic
)
IDENTITY = drawn("identity", init.IDENTITY)
HADAMARD = drawn("Hadamard rows of gain √2", init.HADAMARD)
XAVIER = drawn("Xavier's weights", init.XAVIER)
HE = drawn("He's weights", init.HE)
WIDE = drawn("normal weights with a standard deviation of 1", {("normal", 0.0, 1.0)})
TINY = drawn("normal weights with a standard deviation of 0.0001", {("normal", 0.0, 0.0001)})
NORMAL = drawn("Xavier's weights, normal", {("xavier_normal", 1.0)})
UNIFORM = drawn("Xavier's weights, uniform", {("xavier_uniform", 1.0)})
TWICE = Initialization("every unit twice, biases at 0", SETTING, init.twice)

NOISE = Initialization(
    "0.1 with noise of 10⁻⁶ in the weights",
    SETTING,
    lambda plan: init.around(plan, 0.1, 1e-6),
)

# ------------------------------------------------------------------------- in other settings

LECTURE_SGD = Setting(
    "the lecture's network under SGD (0.01), 10 epochs",
    SETTING.values | {"optimizer": "sgd", "lr": 0.01},
)
DEFAULT_SGD, TINY_SGD, NOISE_SGD, IDENTITY_SGD = (
    replace(one, setting=LECTURE_SGD) for one in (DEFAULT, TINY, NOISE, IDENTITY)
)

TANH_USUAL = drawn("U(±1/√n)", init.USUAL, TANH)
TANH_XAVIER = replace(XAVIER, setting=TANH)
DEEP_DEFAULT, DEEP_HE, DEEP_XAVIER = (replace(one, setting=DEEP) for one in (DEFAULT, HE, XAVIER))
DEEP_LSUV = drawn("LSUV", init.LSUV, DEEP)
DEEP_GAUSSIAN = drawn("N(0, 1/n)", init.GAUSSIAN, DEEP_LINEAR)
DEEP_ORTHOGONAL = drawn("orthogonal weights", init.ORTHOGONAL, DEEP_LINEAR)
