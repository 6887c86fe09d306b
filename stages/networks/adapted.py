"""A frozen fully connected network with a trainable low-rank product beside each layer (LoRA)."""

import math
from itertools import pairwise

from torch import Tensor, nn

from stages.networks.shared.parts import require_at_least_1


def build(
    shape: tuple[int, ...],
    classes: int,
    width: int = 64,
    depth: int = 2,
    rank: int = 4,
    alpha: float = 4.0,
) -> nn.Module:
    """`depth` layers frozen(x) + alpha/rank · b(a(x)), each with a ReLU, and `out`, one without.

    Only `a` `[rank, fan_in]` and `b` `[fan_out, rank]` are trained. `a` starts as torch.nn.Linear
    does, and `b` at zero, so the network starts as the frozen one and learns. With `a` and `b` at
    zero in all layers, every gradient is 0 and nothing learns. With neither at zero, the network
    starts elsewhere. Takes examples of any shape. Hu et al. 2021 (arXiv:2106.09685).
    """
    require_at_least_1(width=width, depth=depth, rank=rank)
    return Adapted([math.prod(shape), *[width] * depth, classes], rank, alpha / rank)


class Layer(nn.Module):
    def __init__(self, fan_in: int, fan_out: int, rank: int, scale: float):
        super().__init__()
        self.frozen = nn.Linear(fan_in, fan_out).requires_grad_(False)
        self.a = nn.Linear(fan_in, rank, bias=False)
        self.b = nn.Linear(rank, fan_out, bias=False)
        nn.init.zeros_(self.b.weight)
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return self.frozen(x) + self.scale * self.b(self.a(x))


class Adapted(nn.Module):
    def __init__(self, sizes: list[int], rank: int, scale: float):
        super().__init__()
        *layers, out = (Layer(*fans, rank, scale) for fans in pairwise(sizes))
        self.layers = nn.ModuleList(layers)
        self.out = out

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        for layer in self.layers:
            x = layer(x).relu()
        return self.out(x)
