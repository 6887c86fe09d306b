"""A soft mixture of experts."""

import math
from collections import OrderedDict

import torch
from torch import Tensor, nn

from stages.networks.shared.parts import require_at_least_1


def build(shape: tuple[int, ...], classes: int, experts: int = 4, width: int = 16) -> nn.Module:
    """Σᵢ softmax(gate(x))ᵢ · experts.i.last(relu(experts.i.first(x))).

    Every expert has a share in every output. Experts that start alike, with equal rows in `gate`,
    stay alike. Takes examples of any shape. Jacobs et al. 1991 (Neural Computation 3, 79).
    """
    require_at_least_1(experts=experts, width=width)
    inputs = math.prod(shape)
    return Mixture(
        nn.Linear(inputs, experts), [expert(inputs, width, classes) for _ in range(experts)]
    )


def expert(inputs: int, width: int, classes: int) -> nn.Module:
    """A network of one hidden layer."""
    first, last = nn.Linear(inputs, width), nn.Linear(width, classes)
    return nn.Sequential(OrderedDict(first=first, relu=nn.ReLU(), last=last))


class Mixture(nn.Module):
    def __init__(self, gate: nn.Linear, experts: list[nn.Module]):
        super().__init__()
        self.gate = gate
        self.experts = nn.ModuleList(experts)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        logits = torch.stack([expert(x) for expert in self.experts], 1)  # [n, experts, classes]
        return (self.gate(x).softmax(1).unsqueeze(2) * logits).sum(1)
