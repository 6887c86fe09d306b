"""A fully connected network of residual blocks."""

import math
from typing import Literal

from torch import Tensor, nn

NORMS = {"none": nn.Identity, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


def build(
    shape: tuple[int, ...],
    classes: int,
    width: int = 64,
    blocks: int = 8,
    norm: Literal["none", "batch", "layer"] = "none",
    scale: float = 1.0,
) -> nn.Module:
    """Blocks x + scale · last(relu(first(norm(x)))) between the layers `embed` and `out`.

    A block with a scale of 0, or with zeros in `last`, is the identity. Every block adds to the
    variance of x; a scale of 1/√blocks keeps the sum bounded. Takes examples of any shape.
    He et al. 2016 (arXiv:1603.05027); zeros in `last`: Zhang et al. 2019 (arXiv:1901.09321).
    """
    for name, value in {"width": width, "blocks": blocks}.items():
        if value < 1:
            raise ValueError(f"{name} = {value} must be at least 1")
    return Residual((math.prod(shape), width, classes), blocks, norm, scale)


class Block(nn.Module):
    def __init__(self, width: int, norm: str, scale: float):
        super().__init__()
        self.norm = NORMS[norm](width)  # nn.Identity ignores the width
        self.first = nn.Linear(width, width)
        self.last = nn.Linear(width, width)
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale * self.last(self.first(self.norm(x)).relu())


class Residual(nn.Module):
    def __init__(self, sizes: tuple[int, int, int], blocks: int, norm: str, scale: float):
        super().__init__()
        inputs, width, classes = sizes
        self.embed = nn.Linear(inputs, width)
        self.blocks = nn.Sequential(*(Block(width, norm, scale) for _ in range(blocks)))
        self.out = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.blocks(self.embed(x.flatten(1))))
