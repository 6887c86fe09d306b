"""Networks of files in stages/networks: built, described and initialized."""

import importlib
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from stages.training import initialization, layers
from stages.training.data import Images
from stages.training.plan import MEAN, STD, Plan
from stages.training.seeds import generator
from stages.training.structure import Structure

CUSTOM = "stages.networks"


class NetworkError(ValueError):
    """A file in stages/networks does not give a network that can be trained."""


def function(name: str) -> Callable[..., Any]:
    """The function `build` of a network's file; raises any error of it."""
    build: Callable[..., Any] = importlib.import_module(f"{CUSTOM}.{name}").build
    return build


def built(plan: Plan, seed: int) -> nn.Module:
    """The network of a plan with its own initialization, drawn from the seed.

    Raises any error of the file, and NetworkError if it gives no module.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(seed, "default").initial_seed())
        net = function(plan.network)(plan.shape, plan.classes, **plan.arguments)
    if not isinstance(net, nn.Module) or isinstance(net, layers.MIXING):
        raise NetworkError(
            f"build returned {type(net).__name__} instead of a torch.nn.Module that contains layers"
        )
    return net


def structure_of(plan: Plan) -> Structure:
    """The layers and tensors of the network, found by building it and taking examples through.

    Two, or one if an epoch has a batch of one. Raises any error of the file, and NetworkError if
    its outputs are no logits.
    """
    net, count = built(plan, 0), 0
    last = plan.images % plan.batch_size or plan.batch_size
    rows = min(last, 2)
    if any(map(nn.parameter.is_lazy, net.parameters())):
        raise NetworkError("has lazy layers, which cannot be initialized; give their sizes")

    def add(_module: nn.Module, _inputs: object, output: object) -> None:
        nonlocal count
        count += output.numel() // rows if isinstance(output, Tensor) else 0

    handles = [module.register_forward_hook(add) for module in net.modules()]
    images = initialization.noise(math.prod(plan.shape)).first(rows)
    with torch.random.fork_rng(devices=[]):
        logits = net.train()(examples(plan, images))
    for handle in handles:
        handle.remove()
    shape = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    if shape != (expected := [rows, plan.classes]):
        raise NetworkError(f"its outputs are {shape} instead of logits {expected}")
    if not logits.isfinite().all():
        raise NetworkError("its outputs are not finite")
    if not logits.requires_grad:
        raise NetworkError("has no parameter that can be trained")
    return layers.structure(net, count)


def initial_weights(plan: Plan, seed: int, images: Images | None = None) -> dict[str, Tensor]:
    """Every parameter before training, by its name, and every buffer.

    `images` are for initializers with the argument `inputs`. Raises InitializationError.
    """
    return dict(initialized(plan, seed, images).state_dict())


def initialized(plan: Plan, seed: int, images: Images | None) -> nn.Module:
    """The network before training, with the plan's fills; raises InitializationError."""
    net = built(plan, seed)
    with torch.no_grad():
        for name, tensor in net.named_parameters():
            inputs = partial(_inputs, plan, net, name, images)
            initialization.fill(plan.tensors[name], name, tensor.data, seed, inputs)
    return net


def _inputs(plan: Plan, net: nn.Module, name: str, images: Images | None) -> Tensor:
    """What the layer of a tensor gets for images: `[n, fan_in]`; the layers below are filled."""
    layer = net.get_submodule(name.rpartition(".")[0])
    if not isinstance(layer, nn.Linear):
        raise ValueError("looks at the inputs of a layer, which only linear layers provide")
    seen: list[Tensor] = []
    handle = layer.register_forward_pre_hook(lambda _, given: seen.append(given[0].flatten(0, -2)))
    images = images or initialization.noise(math.prod(plan.shape))
    try:
        net.eval()(examples(plan, images))
    finally:
        handle.remove()
    if not seen:  # such as the last layer of nn.MultiheadAttention, whose tensors alone are used
        raise ValueError("looks at the inputs of a layer, and this one is never called")
    return seen[0]


def examples(plan: Plan, images: Images, rows: Tensor | slice = slice(None)) -> Tensor:
    """Some images as a network gets them: normalized, `[n, *shape]`."""
    found = images.pixels[rows]
    if found.dtype == torch.uint8:
        found = found.float().mul_(1 / (255 * STD)).sub_(MEAN / STD)
    return found.view(-1, *plan.shape)
