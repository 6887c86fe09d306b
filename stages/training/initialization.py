"""The initial weights of a plan."""

import importlib
import inspect
import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from stages.training import data, network
from stages.training.plan import DEFAULT, Fill, Plan
from stages.training.seeds import generator

CUSTOM = "stages.initializers"
GIVEN = ("generator", "inputs")  # arguments that the house gives an initializer

# Functions of torch.nn.init whose values differ between processors, or from run to run: the files
# of these names in stages/initializers replace them.
REPLACED = {"orthogonal_", "sparse_", "trunc_normal_"}

# torch.nn.init fills in place; a plan leaves the trailing underscore out.
FUNCTIONS: dict[str, Callable[..., object]] = {
    name.removesuffix("_"): function
    for name, function in inspect.getmembers(torch.nn.init, inspect.isfunction)
    if name.endswith("_") and not name.startswith("_") and name not in REPLACED
}


class InitializationError(ValueError):
    """A tensor cannot be filled; `tensor` is its name."""

    def __init__(self, tensor: str, reason: str):
        super().__init__(reason)
        self.tensor = tensor

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        """For pickle, which brings it from a worker process."""
        return type(self), (self.tensor, str(self))


def initial_weights(plan: Plan, seed: int, images: data.Images | None = None) -> dict[str, Tensor]:
    """Every tensor of a network before training, by its name (`fc1.weight`, `fc1.bias`, …).

    A weight is `[fan_out, fan_in]`, a bias `[fan_out]`. `images` are for initializers with the
    argument `inputs`; without images these get noise, which is enough to test them. Raises
    InitializationError.
    """
    net = network.allocate(plan.sizes)

    def inputs_of(layer: int) -> Tensor:
        if images is None:
            pixels = torch.randn(256, plan.sizes[0], generator=generator(seed, "inputs"))
        else:
            pixels = data.normalize(images.pixels, torch.empty(images.pixels.shape))
        below = network.Tensors(plan.sizes[: layer + 1], net.flat)
        return network.hidden_outputs(below, plan.activation, pixels)

    for i, (name, tensor) in enumerate(net.named().items()):
        layer = i // 2
        fill_default(tensor, plan.sizes[layer], generator(seed, f"default/{name}"))
        fill = plan.tensors[name]
        if fill == DEFAULT:
            continue
        try:
            run(fill, tensor, generator(seed, f"init/{name}"), partial(inputs_of, layer))
        except (Exception, SystemExit) as error:  # any error of a user's file
            raise InitializationError(name, first_line(error)) from None
        if not tensor.isfinite().all():
            raise InitializationError(name, "gives values that are not finite")
    return {name: tensor.detach() for name, tensor in net.named().items()}


def first_line(error: BaseException) -> str:
    """The first line of an error's text; with the error's name where the text needs it."""
    name = type(error).__name__
    line = next(iter(str(error).strip().splitlines()), "")[:300]
    if not line:
        return name
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
    return line if isinstance(error, (ValueError, TypeError)) else f"{name}: {line}"


def fill_default(tensor: Tensor, fan_in: int, random: torch.Generator) -> None:
    """Fill as torch.nn.Linear does: U(−1/√fan_in, 1/√fan_in) for weight and bias alike."""
    if tensor.ndim == 2:
        torch.nn.init.kaiming_uniform_(tensor, a=math.sqrt(5), generator=random)
    else:
        bound = 1 / math.sqrt(fan_in)
        torch.nn.init.uniform_(tensor, -bound, bound, generator=random)


def function(name: str) -> Callable[..., object]:
    """The function of torch.nn.init, or the `fill` of a file in stages/initializers.

    Raises ImportError if there is no such file, AttributeError if it has no `fill`.
    """
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    fill: Callable[..., object] = importlib.import_module(f"{CUSTOM}.{name}").fill
    return fill


def run(fill: Fill, tensor: Tensor, random: torch.Generator, inputs: Callable[[], Tensor]) -> None:
    """Fill a tensor in place; `inputs` computes the inputs of its layer, if they are needed.

    Raises any error of a custom initializer, and ValueError if it leaves the tensor unchanged.
    """
    fills = function(fill.initializer)
    values: tuple[Callable[[], object], ...] = (lambda: random, inputs)
    given = dict(zip(GIVEN, values, strict=True))
    wanted = {name: given[name]() for name in inspect.signature(fills).parameters if name in given}
    before, version = tensor.clone(), tensor._version
    fills(tensor, **fill.arguments, **wanted)
    if tensor._version == version and torch.equal(tensor, before):
        raise ValueError("leaves the tensor unchanged instead of filling it in place")
