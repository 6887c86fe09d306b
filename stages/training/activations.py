"""The activations that a network can have: the one list, for settings, training, theory and page.

No torch and no SciPy is loaded here: settings and reports need the list without either.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[np.float64]

LEAKY_SLOPE = 0.01


@dataclass(frozen=True)
class Activation:
    """An activation φ as `forward` and its derivative, of float64 arrays of any shape.

    `gain` is torch.nn.init.calculate_gain's. Training has its own in mlp/kernel.c.
    """

    label: str
    gain: float
    forward: Callable[[Numbers], Numbers]
    derivative: Callable[[Numbers], Numbers]


# SciPy's functions give the same bits on every processor; NumPy's tanh and exp do not. They are
# imported where they are used, since most stages need no theory.


def _tanh(x: Numbers) -> Numbers:
    from scipy.special import expm1

    decayed = expm1(-2 * np.abs(x))
    return np.copysign(decayed / (decayed + 2), x)


def _sigmoid(x: Numbers) -> Numbers:
    from scipy.special import expit

    return np.asarray(expit(x))


def _normal_density(x: Numbers) -> Numbers:
    from scipy.special import expm1

    return np.asarray((1 + expm1(-(x**2) / 2)) / math.sqrt(2 * math.pi))


def _normal_share(x: Numbers) -> Numbers:
    from scipy.special import erf

    return np.asarray((1 + erf(x / math.sqrt(2))) / 2)


ACTIVATIONS = {
    "relu": Activation(
        "ReLU", math.sqrt(2), lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(float)
    ),
    "leaky_relu": Activation(
        "leaky ReLU",
        math.sqrt(2 / (1 + LEAKY_SLOPE**2)),
        lambda x: np.where(x > 0, x, LEAKY_SLOPE * x),
        lambda x: np.where(x > 0, 1, LEAKY_SLOPE),
    ),
    "tanh": Activation("tanh", 5 / 3, _tanh, lambda x: 1 - _tanh(x) ** 2),
    "sigmoid": Activation("sigmoid", 1, _sigmoid, lambda x: _sigmoid(x) * _sigmoid(-x)),
    "gelu": Activation(
        "GELU",
        1,
        lambda x: x * _normal_share(x),
        lambda x: _normal_share(x) + x * _normal_density(x),
    ),
    "linear": Activation("linear (none)", 1, lambda x: x, np.ones_like),
}
