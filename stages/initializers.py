"""What the weights are before training: PyTorch's default, or what a variant says."""

import importlib
import inspect
import math
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from stages import ROOT, mnist, network
from stages.params import Initializer, LayerInit, Variant, layer_names
from stages.seeds import generator

OWN = ROOT / "stages" / "own"
GIVEN = ("generator", "inputs")  # arguments that an initializer gets unasked: stages/own

# torch.nn.init fills in place; params.yaml leaves its trailing underscore out.
FUNCTIONS = {
    name.removesuffix("_"): function
    for name, function in inspect.getmembers(torch.nn.init, inspect.isfunction)
    if name.endswith("_") and not name.startswith("_")
}


class InitializerError(ValueError):
    """An initializer cannot fill a tensor; `key` tells where in the variant it was asked to."""

    def __init__(self, rule: str, key: str = "", initializer: Initializer | None = None):
        super().__init__(rule)
        self.key = key
        self.initializer = initializer


def own_names() -> list[str]:
    """The initializers in stages/own."""
    return sorted(path.stem for path in OWN.glob("*.py") if path.stem != "__init__")


def own_files(variant: Variant) -> list[Path]:
    """The files in stages/own that a variant's initializers come from."""
    fills = [getattr(layer, kind) for layer in _entries(variant) for kind in ("weight", "bias")]
    names = {initializer.name for initializer in fills if initializer} - set(FUNCTIONS)
    return [OWN / f"{name}.py" for name in sorted(names)]


def _entries(variant: Variant) -> list[LayerInit]:
    return [variant.all, *variant.layers.values()]


def initial_weights(
    sizes: list[int],
    variant: Variant,
    seed: int,
    activation: str = "relu",
    images: mnist.Images | None = None,
) -> dict[str, Tensor]:
    """Every tensor of a network before training, by its name (`fc1.weight`, `fc1.bias`, …).

    `sizes` are the widths from input to output; a weight is `[fan_out, fan_in]`, a bias
    `[fan_out]`. A layer's own entry comes before the variant's `all`, and that before
    the default. `images` are for initializers that look at data; without them these get
    noise to look at, which is enough to see whether they work. Raises InitializerError
    where the variant asks for what cannot be done.
    """
    net = network.allocate(sizes)
    weights = net.named()

    def inputs_of(layer: int) -> Tensor:
        if images is None:
            pixels = torch.randn(256, sizes[0], generator=generator(seed, "inputs"))
        else:
            pixels = mnist.normalize(images.pixels, torch.empty(images.pixels.shape))
        below = network.Tensors(sizes[: layer + 1], net.flat)
        return network.hidden_outputs(below, activation, pixels)

    names = layer_names(sizes[1:-1])
    for i, (layer, (fan_in, _)) in enumerate(zip(names, pairwise(sizes), strict=True)):
        own = variant.layers.get(layer, LayerInit())
        for kind in ("weight", "bias"):
            name = f"{layer}.{kind}"
            tensor = weights[name]
            _fill_default(tensor, fan_in, generator(seed, f"default/{name}"))
            place = layer if getattr(own, kind) else "all"
            initializer = getattr(own, kind) or getattr(variant.all, kind)
            if initializer:
                try:
                    fill(
                        tensor, initializer, generator(seed, f"init/{name}"), partial(inputs_of, i)
                    )
                except InitializerError as error:
                    rule = f"{error} (filling {name})"
                    raise InitializerError(rule, f"{place}.{kind}", initializer) from None
    return weights


def _fill_default(tensor: Tensor, fan_in: int, random: torch.Generator) -> None:
    """What torch.nn.Linear does: U(−1/√fan_in, 1/√fan_in) for weight and bias alike."""
    if tensor.ndim == 2:
        torch.nn.init.kaiming_uniform_(tensor, a=math.sqrt(5), generator=random)
    else:
        bound = 1 / math.sqrt(fan_in)
        torch.nn.init.uniform_(tensor, -bound, bound, generator=random)


def function(name: str) -> Callable:
    """torch's or our own function by its name in params.yaml; raises InitializerError."""
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    if name in own_names():
        own_fill = getattr(importlib.import_module(f"stages.own.{name}"), "fill", None)
        if own_fill is None:
            raise InitializerError(f"stages/own/{name}.py has no function fill(tensor, …)")
        return own_fill
    allowed = [*FUNCTIONS, *own_names()]
    nearest = get_close_matches(name, allowed, n=1)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    raise InitializerError(f"no such initializer; {hint}Allowed: {', '.join(allowed)}")


def fill(
    tensor: Tensor,
    initializer: Initializer,
    random: torch.Generator,
    inputs: Callable[[], Tensor] | None = None,
) -> None:
    """Fill a tensor in place; raises InitializerError for a wrong name, argument or shape.

    `inputs` computes what the layer receives, if the initializer wants to see it.
    """
    fills = function(initializer.name)
    parameters = {p.name: p for p in list(inspect.signature(fills).parameters.values())[1:]}
    allowed = [name for name in parameters if name not in GIVEN]
    takes = f"{initializer.name} takes {', '.join(allowed) or 'no arguments'}"
    for argument in initializer.kwargs:
        if argument not in allowed:
            raise InitializerError(f"unknown argument {argument!r}; {takes}")
    for argument in allowed:
        required = parameters[argument].default is inspect.Parameter.empty
        if required and argument not in initializer.kwargs:
            raise InitializerError(f"argument {argument!r} is missing; {takes}")
    given = dict(zip(GIVEN, (lambda: random, inputs), strict=True))
    sources = {name: source() for name, source in given.items() if name in parameters}
    try:
        fills(tensor, **initializer.kwargs, **sources)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InitializerError(f"{takes}; it refused: {reason}") from None
    if not tensor.isfinite().all():
        raise InitializerError("gives values that are not finite")
