"""Leaves a module as it was, whatever is done with it in between."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Restore = Callable[[], object]


@contextmanager
def kept(module: nn.Module, loss: Callable[[], Tensor]) -> Iterator[dict[str, Tensor]]:
    """Afterwards the module, the gradients and all random generators are as before, bit for bit.

    Gives copies of the trainable parameters by name. Dropout is off in between, and no parameter
    has a gradient.
    """
    with torch.no_grad():
        copies = {id(tensor): tensor.detach().clone() for tensor in _tensors(module)}
        restores = [_attributes(part) for part in module.modules()]
        restores += [_tensor(tensor, copies[id(tensor)]) for tensor in _tensors(module)]
        restores += _generators(module, loss)
    for part in module.modules():
        if isinstance(part, nn.modules.dropout._DropoutNd):
            part.training = False
    try:
        yield {
            name: copies[id(tensor)]
            for name, tensor in module.named_parameters()
            if tensor.requires_grad
        }
    finally:
        with torch.no_grad():
            for restore in restores:
                restore()


def _tensors(module: nn.Module) -> list[Tensor]:
    """Parameters, buffers, and tensors that are plain attributes, each once."""
    found = [*module.parameters(), *module.buffers()]
    found += [v for part in module.modules() for v in vars(part).values() if isinstance(v, Tensor)]
    return list({id(tensor): tensor for tensor in found if tensor.is_leaf}.values())


def _attributes(part: nn.Module) -> Restore:
    """Restores flags and hooks, and which tensors are whose."""
    before = dict(vars(part))
    held = {name: value.copy() for name, value in before.items() if isinstance(value, dict)}

    def restore() -> None:
        vars(part).clear()
        vars(part).update(before)
        for name, content in held.items():
            before[name].clear()
            before[name].update(content)

    return restore


def _tensor(tensor: Tensor, copy: Tensor) -> Restore:
    """Restores values and gradient; the gradient is set aside meanwhile."""
    gradient, data, trained = tensor.grad, tensor.data, tensor.requires_grad
    tensor.grad = None

    def restore() -> None:
        tensor.data = data
        tensor.data.copy_(copy)
        tensor.requires_grad_(trained)
        tensor.grad = gradient

    return restore


def _generators(module: nn.Module, loss: Callable[[], Tensor]) -> list[Restore]:
    """Restores the global generators, and those that the module or the loss hold."""
    state, numpy_state, torch_state = (
        random.getstate(),
        np.random.get_state(),  # noqa: NPY002  the user's
        torch.get_rng_state(),
    )
    restores: list[Restore] = [
        lambda: random.setstate(state),
        lambda: np.random.set_state(numpy_state),  # noqa: NPY002
        lambda: torch.set_rng_state(torch_state),
    ]
    if torch.cuda.is_initialized():
        devices = torch.cuda.get_rng_state_all()
        restores.append(lambda: torch.cuda.set_rng_state_all(devices))
    held: list[Any] = [value for part in module.modules() for value in vars(part).values()]
    for cell in getattr(loss, "__closure__", None) or ():
        held.append(cell.cell_contents)
    for one in {id(value): value for value in held}.values():
        restores += _generator(one)
    return restores


def _generator(value: Any) -> list[Restore]:
    match value:
        case torch.Generator():
            state = value.get_state()
            return [lambda: value.set_state(state)]
        case np.random.Generator():
            found = value.bit_generator.state
            return [lambda: setattr(value.bit_generator, "state", found)]
        case random.Random():
            inner = value.getstate()
            return [lambda: value.setstate(inner)]
    return []
