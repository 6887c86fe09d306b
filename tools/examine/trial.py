"""Some real steps of training: who moves, and when, and whether the loss falls."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from tools.examine.trace import Trace
from tools.examine.tracing import begin, scalar, traced

STEPS = 20
SECONDS = 12.0  # for all steps; a slow network takes fewer
FEWEST = 3  # steps: what a zero blocks can take one more to move
RATE = 0.01  # of a tensor's size, moved in a step
LARGEST = 1e30  # factor of a gradient


@dataclass
class Trial:
    """What a network did in its first steps.

    `slopes` has the norm of every tensor's gradient at the start, `moved` the step at which it was
    first not 0, and `missing` the tensors that the loss has no gradient for.
    """

    before: Trace
    after: Trace
    losses: list[float]
    moved: dict[str, int] = field(default_factory=dict)
    slopes: dict[str, float] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    @property
    def stuck(self) -> list[str]:
        """The tensors whose gradient stayed exactly 0."""
        return [
            name for name in self.slopes if name not in self.moved and name not in self.before.idle
        ]

    @property
    def steps(self) -> int:
        return len(self.losses) - 1

    def note(self, slopes: Mapping[str, float], step: int) -> None:
        """Note which tensors have a gradient before a step."""
        self.missing = [name for name in self.missing if name not in slopes]
        for name, slope in slopes.items():
            if slope:
                self.moved.setdefault(name, step)


def tried(module: nn.Module, loss: Callable[[], Tensor], initial: Mapping[str, Tensor]) -> Trial:
    """Train for some steps, each of which moves a tensor by about RATE of its size.

    So every gradient that is not exactly 0 moves its tensor, however small it is, and equal
    gradients move equally.
    """
    before = traced(module, loss)
    trained = {name: t for name, t in module.named_parameters() if name in initial}
    trial = Trial(before, before, [before.loss])
    trial.missing = [name for name, tensor in trained.items() if tensor.grad is None]
    sizes = {name: _norm(tensor) for name, tensor in initial.items()}
    rate, begun = RATE, time.perf_counter()
    for step in range(1, STEPS + 1):
        slopes = _slopes(trained)
        trial.slopes = trial.slopes or slopes
        trial.note(slopes, step)
        if not all(map(math.isfinite, slopes.values())):
            return trial
        for name, slope in slopes.items():
            gradient = trained[name].grad
            if slope and gradient is not None:
                _move(trained[name], gradient, sizes[name], rate / slope)
        slow = time.perf_counter() - begun > SECONDS * step / (step + 1)
        if step == STEPS or (slow and step >= FEWEST):
            trial.after = traced(module, loss, step)
            trial.losses.append(trial.after.loss)
            break
        trial.losses.append(_stepped(module, loss, step))
        if not math.isfinite(trial.losses[-1]):
            break
        rate = rate / 2 if trial.losses[-1] > trial.losses[-2] else rate
    trial.note(_slopes(trained), trial.steps + 1)
    return trial


def reached(module: nn.Module, loss: Callable[[], Tensor]) -> set[str]:
    """The parameters that have a gradient once all of them are drawn at random.

    The others have none whatever their initial values are.
    """
    generator = torch.Generator().manual_seed(0)
    trained = {name: t for name, t in module.named_parameters() if t.requires_grad}
    with torch.no_grad():
        for name, tensor in trained.items():
            drawn = torch.randn(tensor.shape, generator=generator).to(tensor)
            if tensor.ndim > 1:
                tensor.data.copy_(drawn / math.sqrt(tensor[0].numel()))
            elif "bias" in name:
                tensor.data.copy_(drawn / 10)
            else:  # a scale
                tensor.data.copy_(1 + drawn / 10)
    _stepped(module, loss, 0)
    return {name for name, slope in _slopes(trained).items() if slope}


def _slopes(trained: Mapping[str, Tensor]) -> dict[str, float]:
    """The norm of every tensor's gradient, of those that have one."""
    return {name: _norm(t.grad) for name, t in trained.items() if t.grad is not None}


def _stepped(module: nn.Module, loss: Callable[[], Tensor], seed: int) -> float:
    """The loss, with new gradients; each step has a seed, since parts can be dropped at random."""
    begin(module, seed)
    outcome = scalar(loss())
    if outcome.requires_grad:
        outcome.backward()
    return outcome.item()


@torch.no_grad()
def _move(tensor: Tensor, gradient: Tensor, size: float, rate: float) -> None:
    """Move along the gradient by `rate` of the tensor's size, for a gradient of norm 1.

    The share of values without a gradient does not count. What starts at 0 has the size of Linear's
    default; biases and scales have one of 0.5 at least.
    """
    value = size / math.sqrt(tensor.numel())
    if tensor.ndim < 2:
        value = max(value, 0.5)
    elif value == 0:
        value = 3 / math.sqrt(tensor[0].numel())
    values = gradient.coalesce().values() if gradient.is_sparse else gradient
    factor = rate * value * math.sqrt(values.count_nonzero().item())
    if factor < LARGEST:
        tensor.data.add_(gradient, alpha=-factor)
    else:  # which single precision might not hold
        tensor.data.sub_(gradient * LARGEST, alpha=factor / LARGEST)


def _norm(tensor: Tensor) -> float:
    """The Euclidean norm, also where squares vanish or overflow in single precision."""
    values = tensor.detach()
    values = values.coalesce().values() if values.is_sparse else values
    norm = float(torch.linalg.vector_norm(values)) if values.numel() else 0.0
    if 0 < norm < math.inf:
        return norm
    largest = float(torch.linalg.vector_norm(values, math.inf)) if values.numel() else 0.0
    if not 0 < largest < math.inf:
        return largest
    return largest * float(torch.linalg.vector_norm(values / largest))
