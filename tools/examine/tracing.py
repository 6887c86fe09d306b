"""One pass forward and back, and what every layer computed in it.

Operations are watched below autograd, so that functional calls, einsum and parameters that stand
alone are seen like modules.
"""

import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from tools.examine.names import owner

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


@dataclass
class Given:
    """An input of the network: root mean squares of all values but zeros, and of features."""

    size: float
    largest: float
    median: float


@dataclass
class Use:
    """A product with parameters: a layer, by the names of its tensors.

    `signal` is the standard deviation over examples of what comes out, as a root mean square over
    units; `size` the root mean square of all values; `delta` the norm of the loss's gradient there;
    `given` an input of the network.
    """

    parameters: tuple[str, ...]
    signal: float
    size: float
    channels: int
    rows: int
    given: Given | None
    delta: float | None = None
    normalized: bool = False  # directly afterwards


@dataclass
class Activation:
    """Outputs of an activation: the share of its units that are dead, or of saturated values."""

    kind: str
    after: str
    share: float
    zeros: bool = False  # everything that went in was 0


@dataclass
class Answer:
    """What a known loss is computed from.

    `spread` is the standard deviation within an example (of squares: the size), `varies` that over
    examples, `guess` the loss of an answer that does not look at the input.
    """

    kind: str
    columns: int
    spread: float
    varies: float
    size: float
    last: Use | None  # that made it
    loss: float = math.nan
    labels: bool = False  # of classes, seen
    guess: float = math.nan
    target: float = math.nan


@dataclass
class Trace:
    """What was seen in a pass."""

    loss: float = math.nan
    uses: list[Use] = field(default_factory=list)
    activations: list[Activation] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    met: set[str] = field(default_factory=set)
    unseen: set[str] = field(default_factory=set)  # operations that could not be watched
    idle: set[str] = field(default_factory=set)  # met by nothing but zeros
    not_finite: str | None = None
    examples: int = 0


def traced(module: nn.Module, loss: Callable[[], Tensor], seed: int = 0) -> Trace:
    """Call the loss once, go back through it, and leave the gradients in the parameters."""
    for tensor in module.parameters():
        tensor.grad = None
    torch.manual_seed(seed)
    with _unfused(module), _Watch(module) as watch:
        outcome = scalar(loss())
    trace = watch.trace
    trace.idle -= watch.busy
    trace.loss = outcome.item()
    if outcome.requires_grad:
        handles = list(_watch_gradients(module, outcome, trace.uses))
        outcome.backward()
        for handle in handles:
            handle.remove()
    return trace


@contextmanager
def _unfused(module: nn.Module) -> Iterator[None]:
    """Operations one by one: no compiled module, no fused attention or recurrent layer."""
    fused = torch._C._get_mkldnn_enabled()
    if any(isinstance(part, nn.RNNBase) for part in module.modules()):
        torch._C._set_mkldnn_enabled(False)
    try:
        with ExitStack() as stack:
            if "torch._dynamo" in sys.modules:
                stack.enter_context(torch.compiler.set_stance("force_eager"))
            stack.enter_context(sdpa_kernel(SDPBackend.MATH))
            yield
    finally:
        torch._C._set_mkldnn_enabled(fused)


def scalar(loss: Any) -> Tensor:
    """The loss, if it is a single number; raises ValueError."""
    if not isinstance(loss, Tensor):
        raise ValueError(f"loss() returned {type(loss).__name__} instead of a tensor")
    if loss.numel() != 1:
        raise ValueError(f"loss() returned shape {list(loss.shape)} instead of a single number")
    return loss.reshape(())


class _Watch(TorchDispatchMode):
    """Records operations, and by storage what a tensor was made from.

    That is the names of parameters if nothing else is in it, or FLOW if it depends on both
    parameters and data. An unknown storage holds data.
    """

    FLOW = ("",)

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
        name = func.overloadpacket.__name__
        given = list(_flat([args, kwargs or {}]))
        made = [self.made.get(_storage(one)) for one in given]
        names = tuple(dict.fromkeys(n for one in made if one not in (None, self.FLOW) for n in one))
        # A buffer next to a parameter is a mask, and next to one in a product the batch.
        data = [one for one, by in zip(given, made, strict=True) if not by and by != self.FLOW]
        data = [one for one in data if name in PRODUCTS or _storage(one) not in self.made]
        pure = not data and self.FLOW not in made and bool(given)
        zeros = name in RECTIFYING and bool(given) and not _any(given[0])
        result = func(*args, **(kwargs or {}))
        outputs = list(_flat([result]))
        self.trace.met.update(names)
        for one in outputs:
            if pure:
                self.made[_storage(one)] = names
            elif names or self.FLOW in made:
                self.made[_storage(one)] = self.FLOW
            else:
                self.made.pop(_storage(one), None)
        try:
            self._look(name, names, data, (given, args, kwargs or {}, made, zeros, pure), outputs)
        except Exception:  # of an operation that nobody thought of: the loss must not fail for it
            self.trace.unseen.add(name)
        return result

    def _look(
        self,
        name: str,
        names: tuple[str, ...],
        data: list[Tensor],
        call: Any,
        outputs: list[Tensor],
    ) -> None:
        given, args, kwargs, made, zeros, pure = call
        if name in PRODUCTS and outputs:
            # No example, or the first state of a recurrent layer.
            idle = not outputs[0].numel() or (self.FLOW not in made and not any(map(_any, data)))
            (self.trace.idle if idle else self.busy).update(names)
        if not (outputs and outputs[0].is_floating_point() and outputs[0].numel()) or pure:
            return
        out = outputs[0].detach()
        if name in PRODUCTS and names:
            mask = given[0] if name in ADDING else None
            self._product(name, names, [one for one in data if one is not mask], out)
        else:
            self._activation(name, out, zeros, (args, kwargs))
        if "norm" in name and self.computed in map(_storage, given):
            self.trace.uses[-1].normalized = True
        self._answer(name, given, args, out)

    def _product(self, name: str, names: tuple[str, ...], data: list[Tensor], out: Tensor) -> None:
        self.after = owner(names[-1])
        self.axis = 1 if name == "convolution" else -1
        if self.trace.not_finite is None and not out.isfinite().all():
            self.trace.not_finite = self.after
        floats = [one for one in data if one.is_floating_point() and one.ndim > 1 and one.any()]
        given = _given(floats[0], self.axis) if floats else None
        self.trace.examples = max(self.trace.examples, len(out))
        channels = out.shape[self.axis]
        self.computed = _storage(out)
        self.trace.uses.append(Use(names, _signal(out), _size(out), channels, len(out), given))

    def _activation(self, name: str, out: Tensor, zeros: bool, call: Any) -> None:
        found, (args, kwargs) = self.trace.activations, call
        if name in RECTIFYING:
            floor = [*args[1:2], *kwargs.values(), 0][0]
            if isinstance(floor, (int, float)) and floor == 0 and out.ndim > 1:
                others = [i for i in range(out.ndim) if i != self.axis % out.ndim]
                dead = (out != 0).any(0) if len(others) == 1 else out.count_nonzero(others) != 0
                found.append(Activation("dead", self.after, 1 - dead.float().mean().item(), zeros))
        elif name in FLAT:
            distance = (out if name.startswith("tanh") else 2 * out - 1).abs()
            share = (distance > FLAT[name]).float().mean().item()
            found.append(Activation("flat", self.after, share))
        elif name == "_softmax" and out.shape[args[1]] >= FEWEST_KEYS:
            share = (out.amax(args[1]) > SURE).float().mean().item()
            found.append(Activation("softmax", self.after, share))

    def _answer(self, name: str, given: list[Tensor], args: Any, out: Tensor) -> None:
        answers = self.trace.answers
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


def _given(values: Tensor, axis: int) -> Given:
    others = [i for i in range(values.ndim) if i != axis % values.ndim]
    squares = values.detach().abs().float().square()
    features = squares.mean(others).sqrt()
    size = math.sqrt(squares.sum().item() / max(squares.count_nonzero().item(), 1))
    return Given(size, features.max().item(), features.median().item())


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


def _watch_gradients(module: nn.Module, loss: Tensor, uses: list[Use]) -> Iterator[Any]:
    """Note at every use the norm of the gradient at its output, while the loss goes back."""
    trained = {id(t): name for name, t in module.named_parameters() if t.requires_grad}
    waiting: dict[frozenset[str], list[Use]] = defaultdict(list)
    for use in uses:
        known = {name for name in use.parameters if name in set(trained.values())}
        waiting[frozenset(known)].append(use)
    nodes = sorted(_products(loss.grad_fn, trained), key=lambda found: found[0]._sequence_nr())
    for node, names in nodes:
        if waiting[names]:
            yield node.register_prehook(_noting(waiting[names].pop(0)))


def _noting(use: Use) -> Callable[[Any], None]:
    def note(gradients: Any) -> None:
        if gradients[0] is not None:
            use.delta = math.sqrt(gradients[0].detach().abs().float().square().sum().item())

    return note


def _products(root: Any, trained: dict[int, str]) -> list[tuple[Any, frozenset[str]]]:
    """The nodes of products with parameters, and the names of these."""
    pure: dict[Any, frozenset[str] | None] = {}  # of nodes that parameters alone lead to
    found = []
    stack = [root]
    while stack:
        node = stack[-1]
        below = [one for one, _ in node.next_functions]
        waiting = [one for one in below if one is not None and one not in pure]
        if waiting:
            stack += waiting
            continue
        stack.pop()
        if node in pure:
            continue
        if hasattr(node, "variable"):
            name = trained.get(id(node.variable))
            pure[node] = None if name is None else frozenset([name])
            continue
        known = [pure[one] if one is not None else None for one in below]
        names = frozenset().union(*(one for one in known if one))
        pure[node] = names if known and all(one is not None for one in known) else None
        if pure[node] is None and names and _is_product(node.name()):
            found.append((node, names))
    return found


def _is_product(node: str) -> bool:
    plain = node.removesuffix("Backward0").lower()
    return plain in {name.strip("_").replace("_", "") for name in PRODUCTS}
