"""What the weights are before training: PyTorch's default, or what a variant says."""

import inspect
import math
from difflib import get_close_matches
from itertools import pairwise

import torch
from torch import Tensor

from stages.params import Initializer, LayerInit, Variant, layer_names
from stages.seeds import generator

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


def initial_weights(
    sizes: list[int], variant: Variant, seed: int, dtype: torch.dtype = torch.float32
) -> dict[str, Tensor]:
    """Every tensor of a network before training, by its name (`fc1.weight`, `fc1.bias`, …).

    `sizes` are the widths from input to output; a weight is `[fan_out, fan_in]`, a bias
    `[fan_out]`. A layer's own entry comes before the variant's `all`, and that before
    the default. Raises InitializerError where the variant asks for what cannot be done.
    """
    weights = {}
    names = layer_names(sizes[1:-1])
    for layer, (fan_in, fan_out) in zip(names, pairwise(sizes), strict=True):
        own = variant.layers.get(layer, LayerInit())
        for kind, shape in (("weight", (fan_out, fan_in)), ("bias", (fan_out,))):
            name = f"{layer}.{kind}"
            tensor = torch.empty(shape)
            _fill_default(tensor, fan_in, generator(seed, f"default/{name}"))
            place = layer if getattr(own, kind) else "all"
            initializer = getattr(own, kind) or getattr(variant.all, kind)
            if initializer:
                try:
                    fill(tensor, initializer, generator(seed, f"init/{name}"))
                except InitializerError as error:
                    rule = f"{error} (filling {name})"
                    raise InitializerError(rule, f"{place}.{kind}", initializer) from None
            weights[name] = tensor.to(dtype)
    return weights


def _fill_default(tensor: Tensor, fan_in: int, random: torch.Generator) -> None:
    """What torch.nn.Linear does: U(−1/√fan_in, 1/√fan_in) for weight and bias alike."""
    if tensor.ndim == 2:
        torch.nn.init.kaiming_uniform_(tensor, a=math.sqrt(5), generator=random)
    else:
        bound = 1 / math.sqrt(fan_in)
        torch.nn.init.uniform_(tensor, -bound, bound, generator=random)


def fill(tensor: Tensor, initializer: Initializer, random: torch.Generator) -> None:
    """Fill a tensor in place; raises InitializerError for a wrong name, argument or shape."""
    function = FUNCTIONS.get(initializer.name)
    if function is None:
        nearest = get_close_matches(initializer.name, FUNCTIONS, n=1)
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        raise InitializerError(f"no such initializer; {hint}Allowed: {', '.join(FUNCTIONS)}")
    parameters = list(inspect.signature(function).parameters.values())[1:]
    allowed = {p.name: p for p in parameters if p.name != "generator"}
    required = [p.name for p in allowed.values() if p.default is p.empty]
    takes = f"{initializer.name} takes {', '.join(allowed) or 'no arguments'}"
    for argument in initializer.kwargs:
        if argument not in allowed:
            raise InitializerError(f"unknown argument {argument!r}; {takes}")
    for argument in required:
        if argument not in initializer.kwargs:
            raise InitializerError(f"argument {argument!r} is missing; {takes}")
    source = {"generator": random} if len(allowed) < len(parameters) else {}
    try:
        function(tensor, **initializer.kwargs, **source)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InitializerError(f"{takes}; it refused: {reason}") from None
    if not tensor.isfinite().all():
        raise InitializerError("gives values that are not finite")
