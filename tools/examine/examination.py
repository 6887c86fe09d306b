"""The examination of a module with its loss."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from tools.examine import equality, findings
from tools.examine.case import FAULT, Case, Finding
from tools.examine.keeping import kept
from tools.examine.names import counted, owner
from tools.examine.trial import STEPS, reached, tried


class ExaminationError(ValueError):
    """The network cannot be examined; one line says why."""


@dataclass(frozen=True)
class Layer:
    """A layer of the table: what its weight starts as, and what it computes and learns.

    `signal` is the standard deviation of its outputs over examples (root mean square over units),
    `gradient` the norm of the loss's gradient at its outputs, `equal` how many of its units are
    equal to another and stay so, `moved` the step at which each tensor first changed (None: never).
    """

    layer: str
    shape: list[int]
    start: str
    signal: float | None
    gradient: float | None
    equal: int
    moved: dict[str, int | None]


@dataclass(frozen=True)
class Compared:
    """A tensor against its initializer, with the probability of such a difference by chance."""

    tensor: str
    asked: str
    found: str
    probability: float
    differs: bool


@dataclass(frozen=True)
class Report:
    """The verdict, the findings with the worst first, all layers, and what was not judged."""

    verdict: str
    findings: list[Finding]
    layers: list[Layer]
    losses: list[float]
    not_judged: list[str]

    @property
    def has_fault(self) -> bool:
        return any(one.severity == FAULT for one in self.findings)

    def as_json(self) -> dict[str, Any]:
        """As values of JSON, in which numbers that are not finite are null."""
        return _finite(asdict(self))


def _finite(value: Any) -> Any:
    match value:
        case dict():
            return {key: _finite(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_finite(inner) for inner in value]
        case float() if not math.isfinite(value):
            return None
    return value


def examined(module: nn.Module, loss: Callable[[], Tensor]) -> Report:
    """Examine a module before and in the first steps of training, and leave it as it was.

    `loss` computes the loss of the module on a batch. Parameters, buffers, gradients, modes, hooks
    and random generators are the same afterwards. Raises ExaminationError if the module cannot be
    examined.
    """
    tensors = [*module.named_parameters(), *module.named_buffers()]
    for name, tensor in tensors:
        if isinstance(tensor, (nn.UninitializedParameter, nn.UninitializedBuffer)):
            raise ExaminationError(
                f"{name} is lazy; call the module once with a batch, then examine"
            )
        if tensor.is_meta:
            raise ExaminationError(f"{name} is on the device meta, which holds no values")
    if not any(tensor.requires_grad for tensor in module.parameters()):
        raise ExaminationError("no parameter can be trained: each has requires_grad=False")
    with kept(module, loss) as initial, torch.enable_grad():
        equal = equality.equal_slices(initial, _units(module))
        try:
            trial = tried(module, loss, initial)
        except StopIteration:
            many = f"about {STEPS + 2} times"
            raise ExaminationError(f"loss() has no batch left; it is called {many}") from None
        except Exception as error:
            line = next(iter(str(error).strip().splitlines()), "")
            raise ExaminationError(f"loss() fails: {type(error).__name__}: {line}") from error
        now = {name: tensor.detach() for name, tensor in module.named_parameters()}
        stay = [(one, equality.staying(one, initial, now)) for one in equal]
        resting = equality.resting(initial, now, _units(module))
        never = set(trial.stuck)
        if never and trial.steps:
            never -= reached(module, loss)
        case = Case(module, initial, trial, stay, never, resting)
        found = findings.findings(case)
        return Report(
            verdict=_verdict(case, found),
            findings=found,
            layers=_layers(case),
            losses=trial.losses,
            not_judged=_not_judged(case),
        )


def _units(module: nn.Module) -> dict[str, int]:
    """The axis of units of every weight whose layer is known."""
    found: dict[str, int] = {}
    for name, part in module.named_modules():
        prefix = f"{name}." if name else ""
        axis = 1 if isinstance(part, _ConvTransposeNd) else 0
        if isinstance(part, (nn.Linear, _ConvNd, nn.Embedding, nn.RNNBase, nn.MultiheadAttention)):
            found |= {prefix + leaf: axis for leaf, _ in part.named_parameters(recurse=False)}
    return found


def _verdict(case: Case, found: list[Finding]) -> str:
    faults = [one for one in found if one.severity == FAULT]
    if faults:
        first = faults[0].words.partition(". ")[0]
        others = len(faults) - 1
        more = f" {counted(others, 'more fault')} below." if others else ""
        first = f"{first[0].lower()}{first[1:]}"
        return f"It will not learn well as it starts: {first}. Where: {faults[0].where}.{more}"
    losses = case.trial.losses
    hints = f" {counted(len(found), 'hint')} below." if found else ""
    change = f"In {case.steps}, the loss goes from {losses[0]:.4g} to {losses[-1]:.4g}"
    slow = ", which is little" if case.is_stalled else ""
    return f"Nothing in its initialization keeps it from learning. {change}{slow}.{hints}"


def _layers(case: Case) -> list[Layer]:
    """One row for each layer and each parameter that stands alone, in order of definition."""
    tensors: dict[str, dict[str, Tensor]] = {}
    for name, tensor in case.module.named_parameters():
        tensors.setdefault(owner(name), {})[name] = case.initial.get(name, tensor.detach())
    uses = {owner(use.parameters[-1]): use for use in reversed(case.trial.before.uses)}
    rows = []
    for layer, own in tensors.items():
        weight = max(own, key=lambda name: own[name].ndim)
        use = uses.get(layer)
        rows.append(
            Layer(
                layer=layer,
                shape=list(own[weight].shape),
                start=_start(own[weight]),
                signal=use.signal if use else None,
                gradient=use.delta if use else None,
                equal=max((n for e, n in case.equal if not e.whole and e.tensor in own), default=0),
                moved={n: case.trial.moved.get(n) for n in own if n in case.initial},
            )
        )
    return rows


def _start(tensor: Tensor) -> str:
    """What a tensor starts as: a constant, or a mean and a standard deviation."""
    if not tensor.numel():
        return "empty"
    values = (tensor.abs() if tensor.is_complex() else tensor).float()
    first = values.flatten()[0].item()
    if (values == first).all():
        return f"all {first:.3g}"
    mean, std = values.mean().item(), values.std().item()
    return f"σ {std:.2g}" if abs(mean) < std / 10 else f"{mean:.2g} ± {std:.2g}"


def _not_judged(case: Case) -> list[str]:
    trial, lines = case.trial, []
    if trial.before.examples < 2:
        lines.append("Whether the answers depend on the input: that takes two examples in a batch.")
    if not trial.before.answers:
        lines.append(
            "The loss against that of guessing: it is not computed by PyTorch's cross-entropy, "
            "BCE with logits, squared or absolute error."
        )
    if not trial.before.uses:
        lines.append("Signals and gradients by layer: no product with a parameter was seen.")
    elif all(use.delta is None for use in trial.before.uses):
        lines.append("Gradients by layer: checkpointing hides them, or no gradient gets there.")
    if trial.before.unseen:
        lines.append(f"Operations that could not be watched: {', '.join(trial.before.unseen)}.")
    if not trial.steps or not math.isfinite(trial.losses[-1]):
        lines.append("What comes after the first steps: values are not finite.")
    elif trial.steps < STEPS:
        taken = f"{trial.steps} of {STEPS} steps"
        lines.append(f"What shows later: only {taken} were taken, to save time.")
    if frozen := sum(not tensor.requires_grad for tensor in case.module.parameters()):
        lines.append(f"The training of {frozen} frozen tensors.")
    if not case.module.training:
        lines.append("Training mode: the module is in evaluation mode.")
    return lines
