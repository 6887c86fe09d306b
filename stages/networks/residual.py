"""Fully connected residual blocks."""

from torch import Tensor, nn


class Block(nn.Module):
    def __init__(self, width: int, norm: str, scale: float):
        super().__init__()
        kinds = {"none": nn.Identity, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
        self.norm = kinds[norm]() if norm == "none" else kinds[norm](width)
        self.first, self.last = nn.Linear(width, width), nn.Linear(width, width)
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale * self.last(self.first(self.norm(x)).relu())


def build(
    shape: tuple[int, ...],
    classes: int,
    width: int = 64,
    blocks: int = 8,
    norm: str = "none",
    scale: float = 1.0,
) -> nn.Module:
    from collections import OrderedDict
    import math

    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),
            embed=nn.Linear(math.prod(shape), width),
            blocks=nn.Sequential(*(Block(width, norm, scale) for _ in range(blocks))),
            out=nn.Linear(width, classes),
        )
    )
