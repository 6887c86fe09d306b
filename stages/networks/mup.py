"""A fully connected network in the standard or the maximal update parametrization (μP)."""

import math
from typing import Literal

from torch import Tensor, nn

from stages.networks.shared.parts import require_at_least_1


def build(
    shape: tuple[int, ...],
    classes: int,
    width: int = 64,
    depth: int = 2,
    scaling: Literal["standard", "mup"] = "mup",
    base: int = 64,
) -> nn.Module:
    """ReLU layers `embed` and `depth` `blocks`, and `out`; all but `embed` multiply inputs by m.

    m is base/width if scaling is "mup", and 1 if it is "standard"; at width = base both are the
    same network. m · weight starts as N(0, 2/width) in `blocks` and as N(0, m/width) in `out`,
    `embed.weight` as N(0, 1/fan_in), and biases as 0. An update of Adam does not depend on the
    size of the gradient, so at one learning rate m · weight moves by a multiple of m, and the
    change of an activation does not depend on the width. Takes examples of any shape. Yang et al.
    2022 (arXiv:2203.03466), table 8, where m of `blocks` is part of the learning rate.
    """
    require_at_least_1(width=width, depth=depth, base=base)
    multiplier = base / width if scaling == "mup" else 1.0
    return Scaled((math.prod(shape), width, classes), depth, multiplier)


def normal(fan_in: int, fan_out: int, variance: float) -> nn.Linear:
    """A layer with weights N(0, variance) and biases 0."""
    layer = nn.Linear(fan_in, fan_out)
    nn.init.normal_(layer.weight, std=math.sqrt(variance))
    nn.init.zeros_(layer.bias)
    return layer


class Scaled(nn.Module):
    def __init__(self, sizes: tuple[int, int, int], depth: int, multiplier: float):
        super().__init__()
        inputs, width, classes = sizes
        self.multiplier = multiplier
        self.embed = normal(inputs, width, 1 / inputs)
        hidden = 2 / width / multiplier**2
        self.blocks = nn.ModuleList(normal(width, width, hidden) for _ in range(depth))
        self.out = normal(width, classes, 1 / width / multiplier)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x.flatten(1)).relu()
        for layer in self.blocks:
            x = layer(self.multiplier * x).relu()
        return self.out(self.multiplier * x)
