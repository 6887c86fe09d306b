"""A fully connected network with a choice of activation and normalization."""

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from stages.networks.shared.parts import NORMS, require_at_least_1

ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "selu": torch.selu}


def build(
    shape: tuple[int, ...],
    classes: int,
    width: int = 64,
    depth: int = 3,
    activation: Literal["relu", "tanh", "selu", "sine"] = "relu",
    norm: Literal["none", "batch", "layer"] = "none",
    omega: float = 1.0,
) -> nn.Module:
    """`depth` blocks activation(norm(linear(x))), and the layer `out`.

    The linear layer before a normalization keeps its bias. SELU: Klambauer et al. 2017
    (arXiv:1706.02515). Sine is sin(omega · x): Sitzmann et al. 2020 (arXiv:2006.09661). Takes
    examples of any shape.
    """
    require_at_least_1(width=width, depth=depth)
    function = ACTIVATIONS.get(activation) or (lambda x: torch.sin(omega * x))
    fans_in = [math.prod(shape), *[width] * (depth - 1)]
    blocks = nn.Sequential(*(Block(fan_in, width, norm, function) for fan_in in fans_in))
    out = nn.Linear(width, classes)
    return nn.Sequential(OrderedDict(flatten=nn.Flatten(), blocks=blocks, out=out))


class Block(nn.Module):
    def __init__(self, fan_in: int, width: int, norm: str, activation: Callable[[Tensor], Tensor]):
        super().__init__()
        self.linear = nn.Linear(fan_in, width)
        self.norm = NORMS[norm](width)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.norm(self.linear(x)))
