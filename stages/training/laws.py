"""The distribution that an initializer draws from, however it is written, and its variance.

A law is a tuple: a name, then numbers. Two fills with equal laws draw alike.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from stages.training.activations import ACTIVATIONS

Law: TypeAlias = tuple[Any, ...]

SELU_GAIN = 0.75  # of torch.nn.init.calculate_gain; no activation here
TINY = 1e-30  # a gain below this leaves no float32 but 0
NARROW = 6  # standard deviations: nothing is drawn further out


def law(name: str, given: Mapping[str, Any]) -> Law:
    """The law of an initializer with all its arguments.

    `("constant", value)` for all that have one value, as the float32 that it becomes.
    """
    match name:
        case "constant":
            return "constant", _float32(given["val"])
        case "normal" if _is_point(given["mean"], given["std"]):
            return "constant", _float32(given["mean"])
        case "trunc_normal" if _is_point(given["mean"], given["std"]):
            return "constant", _float32(min(max(given["mean"], given["a"]), given["b"]))
        case "uniform" | "trunc_normal" if _float32(given["a"]) == _float32(given["b"]):
            return "constant", _float32(given["a"])
        case "sparse" if given["sparsity"] >= 1 or _is_point(0, given["std"]):
            return "constant", 0.0
        case "kaiming_normal" | "kaiming_uniform":
            gain = _kaiming_gain(given["nonlinearity"], given["a"])
            drawn: Law = name, given["mode"], gain
        case "scaled_normal":
            gain = math.sqrt(given["variance"])
            drawn = "kaiming_normal", "fan_in", gain
        case "xavier_normal" | "xavier_uniform" | "orthogonal" | "hadamard":
            gain = float(given["gain"])
            drawn = name, gain
        case "uniform":
            return name, _float32(given["a"]), _float32(given["b"])
        case "normal":
            return name, _float32(given["mean"]), given["std"]
        case "trunc_normal":
            return name, given["mean"], given["std"], given["a"], given["b"]
        case _:
            return name, json.dumps(given)
    return drawn if abs(gain) > TINY else ("constant", 0.0)


def variance(drawn: Law, fan_in: int, fan_out: int) -> float:
    """The variance of a weight `[fan_out, fan_in]` that is random with mean 0; nan for all others.

    PyTorch's default is U(±1/√fan_in); Xavier's and Kaiming's laws as in torch.nn.init.
    """
    match drawn:
        case "default", _:
            return 1 / (3 * fan_in)
        case (("xavier_normal" | "xavier_uniform"), gain):
            return float(2 * gain**2 / (fan_in + fan_out))
        case (("kaiming_normal" | "kaiming_uniform"), mode, gain):
            return float(gain**2 / (fan_in if mode == "fan_in" else fan_out))
        case "normal", 0.0, std:
            return float(std**2)
    return math.nan


def rounded(drawn: Law) -> Law:
    """A law whose numbers have nine digits, to compare with others."""
    return tuple(float(f"{v:.9g}") if isinstance(v, float) else v for v in drawn)


def _kaiming_gain(nonlinearity: str, slope: float | None) -> float:
    if nonlinearity == "leaky_relu" and slope is not None:
        return math.sqrt(2) / math.hypot(1, slope)
    known = ACTIVATIONS.get(nonlinearity)
    return known.gain if known else {"selu": SELU_GAIN}.get(nonlinearity, 1.0)


def _float32(value: float) -> float:
    with np.errstate(over="ignore"):
        return float(str(np.float32(value))) + 0.0  # its shortest name, and no −0


def _is_point(mean: float, std: float) -> bool:
    return _float32(mean + NARROW * std) == _float32(mean - NARROW * std)
