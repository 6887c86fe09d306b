"""Watches the operations of a forward pass, below autograd.

So functional calls, einsum and parameters that stand alone are seen like modules.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from tools.examine.names import owner
from tools.examine.trace import Activation, Answer, Trace, Use

PRODUCTS = {
    "addmm", "mm", "bmm", "baddbmm", "addmv", "mv", "dot", "convolution", "mkldnn_rnn_layer",
    "_trilinear",
}  # fmt: skip
ADDING = {"addmm", "baddbmm", "addmv"}  # to the product
RECTIFYING = {
    "relu", "relu_", "clamp_min", "clamp_min_", "clamp", "clamp_", "threshold", "hardtanh",
    "hardtanh_",
}  # fmt: skip
FLAT = {"tanh": 0.975, "tanh_": 0.975, "sigmoid": 0.974, "sigmoid_": 0.974}  # slope below 5 %
MATCHES = {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"}
SUM = 2  # a reduction, by aten's number
SURE = 0.99  # a softmax with a larger weight passes hardly any gradient
FEWEST_KEYS = 4  # of a softmax that is judged


FLOW = ("",)  # what made a tensor that depends on parameters and on data


@dataclass
class _Call:
    """An operation: what it was given, the parameters in that, and the data next to them.

    `flows`: something depends on both; `zeros`: all that went into an activation was 0.
    """

    name: str
    args: Any
    kwargs: Any
    given: list[Tensor]
    names: tuple[str, ...]
    data: list[Tensor]
    flows: bool
    zeros: bool

    @property
    def pure(self) -> bool:
        """Whether parameters and buffers are all that it was given."""
        return bool(self.given) and not self.data and not self.flows


class Watch(TorchDispatchMode):
    """Records operations, and by storage what a tensor was made from.

    That is the names of parameters if nothing else is in it, or FLOW if it depends on both
    parameters and data. An unknown storage holds data.
    """

    def __init__(self, module: nn.Module):
        super().__init__()
        self.trace = Trace()
        self.made: dict[int, tuple[str, ...]] = {}
        self.made |= {_storage(tensor): () for tensor in module.buffers()}
        self.made |= {_storage(tensor): (name,) for name, tensor in module.named_parameters()}
        self.after, self.axis = "the input", -1
        self.computed = 0  # the storage of the last product
        self.busy: set[str] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # which would load the compiler: seconds, and 170 MB

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        call = self._call(func.overloadpacket.__name__, args, kwargs or {})
        result = func(*args, **(kwargs or {}))
        outputs = list(_flat([result]))
        self.trace.met.update(call.names)
        for one in outputs:
            if call.pure:
                self.made[_storage(one)] = call.names
            elif call.names or call.flows:
                self.made[_storage(one)] = FLOW
            else:
                self.made.pop(_storage(one), None)
        try:
            self._look(call, outputs)
        except Exception:  # of an operation that nobody thought of: the loss must not fail for it
            self.trace.unseen.add(call.name)
        return result

    def _call(self, name: str, args: Any, kwargs: Any) -> "_Call":
        given = list(_flat([args, kwargs]))
        made = [self.made.get(_storage(one)) for one in given]
        names = tuple(dict.fromkeys(n for one in made if one and one != FLOW for n in one))
        # A buffer next to a parameter is a mask, and next to one in a product the batch.
        known = (None, ()) if name in PRODUCTS else (None,)
        data = [one for one, by in zip(given, made, strict=True) if by in known]
        zeros = name in RECTIFYING and bool(given) and not _any(given[0])
        return _Call(name, args, kwargs, given, names, data, FLOW in made, zeros)

    def _look(self, call: "_Call", outputs: list[Tensor]) -> None:
        if call.name in PRODUCTS and outputs:
            # No example, or the first state of a recurrent layer.
            idle = not outputs[0].numel() or not (call.flows or any(map(_any, call.data)))
            (self.trace.idle if idle else self.busy).update(call.names)
        floats = bool(outputs) and outputs[0].is_floating_point() and outputs[0].numel()
        if call.pure or not floats:
            return
        out = outputs[0].detach()
        if call.name in PRODUCTS and call.names:
            self._product(call, out)
        else:
            self._activation(call, out)
        if "norm" in call.name and self.computed in map(_storage, call.given):
            self.trace.uses[-1].normalized = True
        self._answer(call, out)

    def _product(self, call: "_Call", out: Tensor) -> None:
        self.after = owner(call.names[-1])
        self.axis = 1 if call.name == "convolution" else -1
        self.computed = _storage(out)
        if self.trace.not_finite is None and not out.isfinite().all():
            self.trace.not_finite = self.after
        mask = call.given[0] if call.name in ADDING else None
        inputs = [one for one in call.data if one is not mask and one.is_floating_point()]
        given = next((_nonzero(one) for one in inputs if one.ndim > 1 and one.any()), None)
        self.trace.examples = max(self.trace.examples, len(out))
        self.trace.uses.append(
            Use(call.names, _signal(out), _size(out), out.shape[self.axis], len(out), given)
        )

    def _activation(self, call: "_Call", out: Tensor) -> None:
        name, share = call.name, None
        if name in RECTIFYING and out.ndim > 1:
            floor = [*call.args[1:2], *call.kwargs.values(), 0][0]
            if isinstance(floor, (int, float)) and floor == 0:
                units = out.movedim(self.axis, 0).flatten(1)
                kind, share = "dead", 1 - units.any(1).float().mean().item()
        elif name in FLAT:
            distance = (out if name.startswith("tanh") else 2 * out - 1).abs()
            kind, share = "flat", (distance > FLAT[name]).float().mean().item()
        elif name == "_softmax" and out.shape[call.args[1]] >= FEWEST_KEYS:
            kind, share = "softmax", (out.amax(call.args[1]) > SURE).float().mean().item()
        if share is not None:
            self.trace.activations.append(Activation(kind, self.after, share, call.zeros))

    def _answer(self, call: "_Call", out: Tensor) -> None:
        name, given, args, answers = call.name, call.given, call.args, self.trace.answers
        if name == "_log_softmax":
            logits = given[0].detach().movedim(args[1], -1).flatten(0, -2).float()
            answers.append(self._answered("classes", logits))
            answers[-1].guess = math.log(logits.shape[-1])
            # For labels at random, until the loss is known.
            answers[-1].loss = (logits.logsumexp(1) - logits.mean(1)).mean().item()
        elif name.startswith("nll_loss") and answers and answers[-1].kind == "classes":
            answers[-1].loss = _mean(out, args[3:4], given[1].numel())
            answers[-1].labels = True
        elif name == "binary_cross_entropy_with_logits":
            answers.append(self._answered("binary", given[0].detach().float()))
            answers[-1].loss = _mean(out, args[4:5], given[0].numel())
            answers[-1].guess = math.log(2)
        elif name in MATCHES:
            answers.append(self._answered("squares", given[0].detach().float()))
            answers[-1].loss = _mean(out, args[2:3], given[0].numel())
            answers[-1].target = _size(given[1].detach())
            answers[-1].guess = answers[-1].target ** 2

    def _answered(self, kind: str, values: Tensor) -> Answer:
        columns = values.shape[-1] if values.ndim > 1 else 1
        size = _size(values)
        spread = (
            values.std(-1, correction=0).square().mean().sqrt().item()
            if kind == "classes"
            else size
        )
        uses = reversed(self.trace.uses)
        last = next((use for use in uses if use.channels % columns == 0), None)
        return Answer(kind, columns, spread, _signal(values), size, last)


def _mean(loss: Tensor, reduction: Any, count: int) -> float:
    """The mean of a loss whose operation was given a reduction: none, mean or (2) sum."""
    return loss.float().mean().item() / (count if list(reduction) == [SUM] else 1)


def _signal(values: Tensor) -> float:
    """The standard deviation over examples, as a root mean square over the rest."""
    return math.sqrt(values.float().var(0, correction=0).mean().item()) if values.ndim else 0.0


def _size(values: Tensor) -> float:
    return values.float().square().mean().sqrt().item()


def _nonzero(values: Tensor) -> float:
    """The size without zeros, such as those of padding."""
    squares = values.detach().float().square()
    return math.sqrt(squares.sum().item() / squares.count_nonzero().item())


def _any(tensor: Tensor) -> bool:
    """Whether a value is not 0; sparse and nested tensors count as such."""
    return tensor.layout is not torch.strided or tensor.is_nested or bool(tensor.any())


def _storage(tensor: Tensor) -> int:
    strided = tensor.layout is torch.strided and not tensor.is_nested
    return tensor.untyped_storage().data_ptr() if strided else id(tensor)


def _flat(values: Iterable[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _flat(value)
        elif isinstance(value, dict):
            yield from _flat(value.values())
