"""Tensors against the initializer that they were meant to have."""

import fnmatch
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import yaml
from scipy import stats
from torch import Tensor, nn

from stages.settings import initializers
from stages.settings.fields import Initializer, Section
from stages.settings.mistakes import ParamsError
from stages.training import initialization
from stages.training.plan import Fill
from stages.training.seeds import Draws, generator
from tools.examine.examination import Compared, ExaminationError
from tools.examine.names import shown

VALUES = 200_000  # of the initializer, at least, that a tensor is compared with
SURELY = 1e-3  # a smaller probability, over all tensors, is a difference


@dataclass(frozen=True)
class Expected:
    """Tensors by a pattern, and the initializer that they were meant to have."""

    pattern: str
    fill: Fill


class _Written(Section):
    fill: Initializer


def parsed(text: str) -> Expected:
    """`PATTERN=INITIALIZER`, written as in params.yaml; raises ExaminationError."""
    pattern, equals, written = text.partition("=")
    try:
        value = _Written(fill=yaml.safe_load(written)).fill if equals else None
        if value is None:
            raise ValueError("must be PATTERN=INITIALIZER, such as '*.weight=zeros'")
        return Expected(pattern.strip(), initializers.resolve(value, "--expect"))
    except (ParamsError, ValueError, yaml.YAMLError) as error:
        line = str(error).strip().splitlines()[0].removeprefix("params.yaml: --expect")
        raise ExaminationError(
            f"--expect {text}: {line.lstrip(' =:').partition('. Experiments')[0]}"
        ) from None


def compared(expected: list[Expected], module: nn.Module) -> list[Compared]:
    """Every tensor that a pattern names; raises ExaminationError if it names none."""
    pairs = [(one, *named) for one in expected for named in _named(one, module)]
    limit = SURELY / max(len(pairs), 1)
    return [_compared(one.fill, name, tensor, limit) for one, name, tensor in pairs]


def _named(expected: Expected, module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    named = dict(module.named_parameters(remove_duplicate=False))
    found = fnmatch.filter(named, expected.pattern)
    if not found:
        some = ", ".join(list(named)[:8])
        raise ExaminationError(f"--expect {expected.pattern}: names no tensor; there are {some} …")
    return ((name, named[name].detach()) for name in found)


def _compared(fill: Fill, name: str, tensor: Tensor, limit: float) -> Compared:
    reference = torch.cat(
        [_drawn(fill, name, tensor, i) for i in range(-(-VALUES // max(tensor.numel(), 1000)))]
    )
    found = tensor.flatten().double()
    if reference.std(correction=0) <= 1e-6 * reference.abs().max() or not reference.any():
        probability = float(torch.allclose(found, reference[:1].expand_as(found)))
    else:
        probability = _probability(found, reference)
    return Compared(name, _size(reference), _size(found), probability, probability < limit)


def _drawn(fill: Fill, name: str, tensor: Tensor, seed: int) -> Tensor:
    values = torch.empty_like(tensor, dtype=torch.float32, device="cpu")
    given = {
        "draws": lambda: Draws(seed, f"init/{name}"),
        "generator": lambda: generator(seed, f"init/{name}"),
    }
    try:
        initialization.run(fill, values, given)
    except Exception as error:
        raise ExaminationError(
            f"--expect: {fill.initializer} cannot fill {name}: {error}"
        ) from None
    return values.flatten().double()


def _probability(found: Tensor, reference: Tensor) -> float:
    """Of a difference as large by chance, in the distribution or in the standard deviation."""
    by_shape = stats.ks_2samp(found.numpy(), reference.numpy(), method="asymp").pvalue
    ratio = float(found.std(correction=0) / reference.std(correction=0))
    kurtosis = float(stats.kurtosis(reference.numpy(), fisher=False))
    # The delta method: the variance of the logarithm of a standard deviation of n values.
    error = math.sqrt((kurtosis - 1) / 4 * (1 / found.numel() + 1 / reference.numel()))
    by_size = 2 * stats.norm.sf(abs(math.log(max(ratio, 1e-300))) / error)
    return float(min(1.0, 2 * min(by_shape, by_size)))


def _size(values: Tensor) -> str:
    mean, std = values.mean().item(), values.std(correction=0).item()
    if not std:
        return f"all {shown(mean)}"
    by_chance = 3 * std / math.sqrt(len(values))
    return f"{shown(mean) if abs(mean) > by_chance else 0} ± {shown(std)}"
