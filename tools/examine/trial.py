"""Some real steps of training: who moves, and when, and whether the loss falls."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from tools.examine.tracing import Trace, scalar, traced

STEPS = 20
SECONDS = 8.0  # for all steps; a slow network takes fewer
FEWEST = 3  # steps: what a zero blocks can take one more to move
RATE = 0.01  # of a tensor's size, moved in a step


@dataclass
class Trial:
    """What a network did in its first steps.

    `moved` has the step at which a tensor first moved; `sizes` the norms of gradients and values
    before the first step, and `missing` the tensors that the loss has no gradient for.
    """

    before: Trace
    after: Trace
    losses: list[float]
    moved: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, tuple[float, float]] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)

    @property
    def steps(self) -> int:
        return len(self.losses) - 1


def tried(module: nn.Module, loss: Callable[[], Tensor], initial: Mapping[str, Tensor]) -> Trial:
    """Train for some steps, each of which moves a tensor by about RATE of its size.

    So every gradient that is not exactly 0 moves its tensor, however small it is, and equal
    gradients move equally.
    """
    before = traced(module, loss)
    trained = {name: t for name, t in module.named_parameters() if t.requires_grad}
    trial = Trial(before, before, [before.loss])
    for name, tensor in trained.items():
        if tensor.grad is None:
            trial.missing.add(name)
        else:
            trial.sizes[name] = _norm(tensor.grad), _norm(tensor)
    rate, begun = RATE, time.perf_counter()
    for step in range(1, STEPS + 1):
        if not _is_finite(trained):
            return trial
        _move(trained, initial, rate)
        for name, tensor in trained.items():
            if name not in trial.moved and tensor.grad is not None and tensor.grad.any():
                trial.moved[name] = step
        last = step == STEPS or (
            step >= FEWEST and time.perf_counter() - begun > SECONDS * step / (step + 1)
        )
        if last:
            trial.after = traced(module, loss)
            trial.losses.append(trial.after.loss)
            break
        trial.losses.append(_stepped(module, loss))
        if not math.isfinite(trial.losses[-1]):
            break
        rate = rate / 2 if trial.losses[-1] > trial.losses[-2] else rate
    for name, tensor in trained.items():
        if tensor.grad is not None:
            trial.missing.discard(name)
            if name not in trial.moved and tensor.grad.any():
                trial.moved[name] = trial.steps + 1
    return trial


def _stepped(module: nn.Module, loss: Callable[[], Tensor]) -> float:
    for tensor in module.parameters():
        tensor.grad = None
    torch.manual_seed(0)
    outcome = scalar(loss())
    if outcome.requires_grad:
        outcome.backward()
    return outcome.item()


def _is_finite(trained: Mapping[str, Tensor]) -> bool:
    gradients = [tensor.grad for tensor in trained.values() if tensor.grad is not None]
    return all(bool(gradient.isfinite().all()) for gradient in gradients)


@torch.no_grad()
def _move(trained: Mapping[str, Tensor], initial: Mapping[str, Tensor], rate: float) -> None:
    for name, tensor in trained.items():
        if tensor.grad is None or not (nonzero := tensor.grad.count_nonzero().item()):
            continue
        size = _norm(initial[name]) / math.sqrt(tensor.numel())
        if tensor.ndim < 2:
            size = max(size, 0.5)
        elif size == 0:
            size = 3 / math.sqrt(tensor[0].numel())
        gradient = _norm(tensor.grad) / math.sqrt(nonzero)
        if gradient > 0:
            tensor.sub_(tensor.grad / gradient, alpha=rate * size)


def _norm(tensor: Tensor) -> float:
    """In double precision, since squares of small gradients vanish in single precision."""
    values = tensor.detach()
    largest = values.abs().max().item() if values.numel() else 0.0
    if not 0 < largest < math.inf:
        return largest
    return largest * float((values / largest).norm())
