"""A fully connected network of residual blocks."""

import math
from collections import OrderedDict
from typing import Literal

from torch import Tensor, nn

from stages.networks.shared.parts import GAINS, NORMS, require_at_least_1


def build(
    shape: tuple[int, ...],
    classes: int,
    width: int = 64,
    blocks: int = 8,
    norm: Literal["none", "batch", "layer"] = "none",
    scale: float = 1.0,
    gain: Literal["none", "scalar", "batch"] = "none",
    skip: bool = True,
) -> nn.Module:
    """Blocks x + scale · gain(last(relu(first(norm(x))))) between the layers `embed` and `out`.

    A block with a scale of 0, or with zeros in `last`, is the identity. Every block adds to the
    variance of x; a scale of 1/√blocks keeps the sum bounded. `gain` multiplies by a trained
    number, 1 at first (ReZero: Bachlechner et al. 2020, arXiv:2003.04887; SkipInit: De & Smith
    2020, arXiv:2002.10444), or is a batch normalization (Goyal et al. 2017, arXiv:1706.02677);
    with zeros as its weights, a block is the identity. Without `skip` a block leaves out x +.
    Takes examples of any shape. He et al. 2016 (arXiv:1603.05027); zeros in `last`: Zhang et al.
    2019 (arXiv:1901.09321).
    """
    require_at_least_1(width=width, blocks=blocks)
    layers = OrderedDict[str, nn.Module](flatten=nn.Flatten())
    layers["embed"] = nn.Linear(math.prod(shape), width)
    layers["blocks"] = nn.Sequential(
        *(Block(width, norm, gain, scale, skip) for _ in range(blocks))
    )
    layers["out"] = nn.Linear(width, classes)
    return nn.Sequential(layers)


class Block(nn.Module):
    def __init__(self, width: int, norm: str, gain: str, scale: float, skip: bool):
        super().__init__()
        self.norm = NORMS[norm](width)
        self.first = nn.Linear(width, width)
        self.last = nn.Linear(width, width)
        self.gain = GAINS[gain](width)
        self.scale, self.skip = scale, skip

    def forward(self, x: Tensor) -> Tensor:
        branch = self.scale * self.gain(self.last(self.first(self.norm(x)).relu()))
        return x + branch if self.skip else branch
