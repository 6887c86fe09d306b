"""Leaves a module, and what its loss holds, as they were, whatever is done with them in between."""

import functools
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Restore = Callable[[], object]


@contextmanager
def kept(module: nn.Module, loss: Callable[[], Tensor]) -> Iterator[dict[str, Tensor]]:
    """Afterwards modules, gradients and random generators are as before, bit for bit.

    Those of the module and those that the loss holds. Gives copies of the module's trainable
    parameters by name. In between dropout is off, and no parameter has a gradient.
    """
    held = list(_held(loss))
    modules = dict.fromkeys(
        part for one in [module, *held] if isinstance(one, nn.Module) for part in one.modules()
    )
    tensors = {id(t): t for part in modules for t in _tensors(part)}
    # No copy of a data set: only what gets a gradient.
    tensors |= {id(t): t for t in held if isinstance(t, Tensor) and t.is_leaf and t.requires_grad}
    held += [value for part in modules for value in vars(part).values()]
    with ExitStack() as stack:  # which calls all, also where one fails
        with torch.no_grad():
            copies = {key: tensor.detach().clone() for key, tensor in tensors.items()}
            for key, tensor in tensors.items():
                stack.callback(_tensor(tensor, copies[key]))
            for part in modules:
                stack.callback(_attributes(part))
        for restore in _generators(held):
            stack.callback(restore)
        for part in modules:
            if isinstance(part, nn.modules.dropout._DropoutNd):
                part.training = False
        yield {
            name: copies[id(tensor)]
            for name, tensor in module.named_parameters()
            if tensor.requires_grad
        }


def _held(loss: Any) -> Iterator[Any]:
    """What a function can change: variables around it, and the object of a method."""
    if isinstance(loss, functools.partial):
        yield from (*loss.args, *loss.keywords.values(), *_held(loss.func))
    for cell in getattr(loss, "__closure__", None) or ():
        yield cell.cell_contents
    for name in loss.__code__.co_names if hasattr(loss, "__code__") else ():
        yield loss.__globals__.get(name)
    owner = getattr(loss, "__self__", None)
    yield from () if owner is None else (owner, *getattr(owner, "__dict__", {}).values())


def _tensors(part: nn.Module) -> list[Tensor]:
    """Parameters, buffers, and tensors that are plain attributes."""
    found = [*part._parameters.values(), *part._buffers.values(), *vars(part).values()]
    return [one for one in found if isinstance(one, Tensor) and one.is_leaf]


def _attributes(part: nn.Module) -> Restore:
    """Restores flags, hooks, lists, and which tensors are whose."""
    before = dict(vars(part))
    inner = {n: v.copy() for n, v in before.items() if isinstance(v, (dict, list, set))}

    def restore() -> None:
        vars(part).clear()
        vars(part).update(before)
        for name, content in inner.items():
            before[name].clear()
            (before[name].extend if isinstance(content, list) else before[name].update)(content)

    return restore


def _tensor(tensor: Tensor, copy: Tensor) -> Restore:
    """Restores values and gradient; the gradient is set aside meanwhile."""
    gradient, data, trained = tensor.grad, tensor.data, tensor.requires_grad
    tensor.grad = None

    def restore() -> None:
        tensor.grad = None
        tensor.data = data
        if tensor.layout is not torch.strided or 0 not in tensor.stride():  # else it is expanded
            with torch.no_grad():
                tensor.data.copy_(copy)
        tensor.requires_grad_(trained)
        tensor.grad = gradient

    return restore


def _generators(held: list[Any]) -> Iterator[Restore]:
    """Restores the global random generators, and those among some objects."""
    yield functools.partial(random.setstate, random.getstate())
    yield functools.partial(np.random.set_state, np.random.get_state())  # noqa: NPY002  the user's
    yield functools.partial(torch.set_rng_state, torch.get_rng_state())
    if torch.cuda.is_initialized():
        yield functools.partial(torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all())
    for one in {id(value): value for value in held}.values():
        match one:
            case torch.Generator():
                yield functools.partial(one.set_state, one.get_state())
            case random.Random():
                yield functools.partial(one.setstate, one.getstate())
            case np.random.Generator():
                yield functools.partial(
                    setattr, one.bit_generator, "state", one.bit_generator.state
                )
