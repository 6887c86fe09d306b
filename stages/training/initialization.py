"""Initializers: how the tensors of a network are filled before training."""

import importlib
import inspect
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stages.training import data, laws
from stages.training.plan import DEFAULT, Fill
from stages.training.seeds import Draws, generator

CUSTOM = "stages.initializers"
GIVEN = ("draws", "generator", "inputs")  # arguments that the house gives an initializer

# Functions of torch.nn.init whose values differ between processors, or from run to run: the files
# of these names in stages/initializers replace them.
REPLACED = {"orthogonal", "sparse", "trunc_normal"}


def _drawing(name: str, original: Callable[..., object]) -> Callable[..., object]:
    """A random function of torch.nn.init with the same law and signature, but for its draws."""

    def fill(tensor: Tensor, draws: Draws, **arguments: Any) -> None:
        law = laws.law(name, arguments)
        shape = tuple(tensor.shape)
        if name not in ("uniform", "normal") and len(shape) < 2:
            raise ValueError("it fills weights only, since a bias has no fan-in")
        match law:
            case "constant", value:
                values: Any = np.full(shape, value)
            case "uniform", low, high:
                values = low + (high - low) * draws.uniform(*shape)
            case "normal", mean, std:
                values = mean + std * draws.normal(*shape)
            case _:
                fans = [size * math.prod(shape[2:]) for size in (shape[1], shape[0])]
                std = math.sqrt(laws.variance(law, *fans))
                if name.endswith("uniform"):
                    values = std * (math.sqrt(3) * (2 * draws.uniform(*shape) - 1))
                else:
                    values = std * draws.normal(*shape)
        tensor.copy_(torch.from_numpy(values))

    signature = inspect.signature(original)
    parameters = [
        parameter.replace(name="draws", default=inspect.Parameter.empty)
        if parameter.name == "generator"
        else parameter
        for parameter in signature.parameters.values()
    ]
    parameters.sort(key=lambda parameter: parameter.name not in ("tensor", "draws"))
    fill.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    fill.__doc__ = original.__doc__
    return fill


# torch.nn.init fills in place; a plan leaves the trailing underscore out.
FUNCTIONS: dict[str, Callable[..., object]] = {
    name: _drawing(name, function)
    if "generator" in inspect.signature(function).parameters
    else function
    for name, function in (
        (name.removesuffix("_"), function)
        for name, function in inspect.getmembers(torch.nn.init, inspect.isfunction)
        if name.endswith("_") and not name.startswith("_")
    )
    if name not in REPLACED
}


class InitializationError(ValueError):
    """A tensor cannot be filled; `tensor` is its name."""

    def __init__(self, tensor: str, reason: str):
        super().__init__(reason)
        self.tensor = tensor

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        """For pickle, which brings it from a worker process."""
        return type(self), (self.tensor, str(self))


def fill(fill: Fill, name: str, tensor: Tensor, seed: int, inputs: Callable[[], Tensor]) -> None:
    """Fill the tensor of this name in place, which holds its default values.

    `inputs` are those of its layer, for initializers that look at them. Raises
    InitializationError.
    """
    if fill == DEFAULT:
        return
    given: dict[str, Callable[[], object]] = {
        "draws": partial(Draws, seed, f"init/{name}"),
        "generator": partial(generator, seed, f"init/{name}"),
        "inputs": inputs,
    }
    try:
        run(fill, tensor, given)
    except (Exception, SystemExit) as error:  # any error of a user's file
        raise InitializationError(name, first_line(error)) from None
    if not tensor.isfinite().all():
        raise InitializationError(name, "gives values that are not finite")


def noise(pixels: int) -> data.Images:
    """Images of noise, which are enough to test an initializer with."""
    drawn = Draws(0, "inputs").uniform(256, pixels) * 256
    return data.Images(torch.from_numpy(drawn.astype(np.uint8)), torch.zeros(256).long())


def first_line(error: BaseException) -> str:
    """The first line of an error's text; with the error's name where the text needs it."""
    name = type(error).__name__
    line = next(iter(str(error).strip().splitlines()), "")[:300]
    if not line:
        return name
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
    return line if isinstance(error, (ValueError, TypeError)) else f"{name}: {line}"


def fill_default(tensor: Tensor, fan_in: int, draws: Draws) -> None:
    """Fill as torch.nn.Linear does: U(−1/√fan_in, 1/√fan_in) for weight and bias alike."""
    values = (2 * draws.uniform(*tensor.shape) - 1) / math.sqrt(fan_in)
    tensor.copy_(torch.from_numpy(values))


def function(name: str) -> Callable[..., object]:
    """The function of torch.nn.init, or the `fill` of a file in stages/initializers.

    Raises ImportError if there is no such file, AttributeError if it has no `fill`.
    """
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    fill: Callable[..., object] = importlib.import_module(f"{CUSTOM}.{name}").fill
    return fill


def run(fill: Fill, tensor: Tensor, given: Mapping[str, Callable[[], object]]) -> None:
    """Fill a tensor in place; `given` makes the arguments in GIVEN, if they are needed.

    Raises any error of a custom initializer, and ValueError if it leaves the tensor unchanged.
    """
    fills = function(fill.initializer)
    wanted = {name: given[name]() for name in inspect.signature(fills).parameters if name in given}
    before, version = tensor.clone(), tensor._version
    fills(tensor, **fill.arguments, **wanted)
    if tensor._version == version and torch.equal(tensor, before):
        raise ValueError("leaves the tensor unchanged instead of filling it in place")
