"""The examination of a module with its loss."""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from tools.examine import equality, findings
from tools.examine.findings import Case, Finding
from tools.examine.keeping import kept
from tools.examine.trial import tried


@dataclass
class Report:
    verdict: str
    findings: list[Finding]
    layers: list = field(default_factory=list)


def examine(module: nn.Module, loss: Callable[[], Tensor]) -> Report:
    with kept(module, loss) as initial:
        equal = equality.equal_slices(initial, _units(module))
        trial = tried(module, loss, initial)
        now = dict(module.named_parameters())
        stay = [(one, equality.staying(one, initial, now)) for one in equal]
        case = Case(module, initial, trial, stay)
        found = findings.findings(case)
    return Report("", found)


def _units(module: nn.Module) -> dict[str, int]:
    """The axis of units of every weight whose layer is known."""
    found = {}
    for name, part in module.named_modules():
        prefix = f"{name}." if name else ""
        axis = 1 if isinstance(part, _ConvTransposeNd) else 0
        if isinstance(part, (nn.Linear, _ConvNd, nn.Embedding, nn.RNNBase, nn.MultiheadAttention)):
            found |= {prefix + leaf: axis for leaf, _ in part.named_parameters(recurse=False)}
    return found
