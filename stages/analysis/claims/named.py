"""The initializations and settings that claims are about, each by its definition."""

from dataclasses import replace

from stages.analysis import initializations as init
from stages.analysis.initializations import Initialization, Setting

CLEARLY = 0.10  # so far below the default is bad, as accuracies on MNIST go
ROUNDING_GAP = 1e-5  # a symmetry gap up to this is rounding

SETTING = Setting(
    "the lecture's network and training",
    {
        "data": "mnist", "limit": None, "hidden": [128, 64], "activation": "relu", "epochs": 10,
        "batch_size": 64, "optimizer": "adam", "lr": 0.001, "momentum": 0.0,
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
LINEAR, DEEP_LINEAR = (
    Setting(
        f"{depth} hidden linear layers of 64 under SGD (0.01), 2 epochs",
        SETTING.values | SGD | {"hidden": [64] * depth, "activation": "linear"},
    )
    for depth in (3, 30)
)

# ------------------------------------------------------ constants, in the lecture's setting

FC1_ZERO = Initialization(
    "fc1 at 0, the rest at PyTorch's default", SETTING, lambda plan: init.fc1_alone(plan) == 0
)
FC1_CONSTANT = Initialization(
    "fc1 at a constant above 0 and up to 1, the rest at PyTorch's default",
    SETTING,
    lambda plan: 0 < (init.fc1_alone(plan) or 0) <= 1,
)
ZEROS = Initialization("every tensor at 0", SETTING, lambda plan: init.constant(plan) == 0)
ONES = Initialization("every tensor at 1", SETTING, lambda plan: init.constant(plan) == 1)
NEGATIVE = Initialization(
    "every tensor at one constant below 0", SETTING, lambda plan: (init.constant(plan) or 0) < 0
)
BETWEEN = Initialization(
    "every tensor at one constant between 0 and 1",
    SETTING,
    lambda plan: 0 < (init.constant(plan) or 0) < 1,
)
OTHER_CONSTANT = Initialization(
    "every tensor at one constant other than 0 and 1",
    SETTING,
    lambda plan: init.constant(plan) not in (None, 0, 1),
)
POSITIVE = Initialization(
    "every tensor at one constant above 0", SETTING, lambda plan: (init.constant(plan) or 0) > 0
)
CONSTANT = Initialization(
    "every tensor at one constant", SETTING, lambda plan: init.constant(plan) is not None
)

# ------------------------------------------------------- all others, in the lecture's setting

DEFAULT = Initialization("PyTorch's default in every tensor", SETTING, init.default)
RANDOM = Initialization(
    "weights that torch.nn.init draws around 0, biases at 0 or PyTorch's default",
    SETTING,
    init.random,
)
DETERMINISTIC = Initialization(
    "weights that are neither random nor constant", SETTING, init.deterministic
)
IDENTITY = Initialization("identity, biases at 0", SETTING, init.weights(init.IDENTITY))
HADAMARD = Initialization(
    "Hadamard rows of gain √2, biases at 0", SETTING, init.weights(init.HADAMARD)
)
XAVIER = Initialization("Xavier's weights, biases at 0", SETTING, init.weights(init.XAVIER))
HE = Initialization("He's weights, biases at 0", SETTING, init.weights(init.HE))
WIDE = Initialization(
    "normal weights with a standard deviation of 1, biases at 0",
    SETTING,
    init.weights({("normal", 0.0, 1.0)}),
)
NORMAL, UNIFORM = (
    Initialization(
        f"Xavier's weights, {shape}, biases at 0", SETTING, init.weights({(f"xavier_{shape}", 1.0)})
    )
    for shape in ("normal", "uniform")
)
TWICE = Initialization("every unit twice, biases at 0", SETTING, init.twice)

# ------------------------------------------------------------------------- in other settings

TANH_USUAL = Initialization("U(±1/√n), biases at 0", TANH, init.weights(init.USUAL))
TANH_XAVIER = replace(XAVIER, setting=TANH)
DEEP_HE, DEEP_XAVIER = (replace(one, setting=DEEP) for one in (HE, XAVIER))
DEEP_LSUV = Initialization("LSUV, biases at 0", DEEP, init.weights(init.LSUV))
GAUSSIAN = Initialization("N(0, 1/n), biases at 0", LINEAR, init.weights(init.GAUSSIAN))
ORTHOGONAL = Initialization(
    "orthogonal weights, biases at 0", LINEAR, init.weights(init.ORTHOGONAL)
)
DEEP_GAUSSIAN = replace(GAUSSIAN, setting=DEEP_LINEAR)
DEEP_ORTHOGONAL = replace(ORTHOGONAL, setting=DEEP_LINEAR)
