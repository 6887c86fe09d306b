"""A transformer over the patches of an image or a sequence."""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from stages.networks.shared.attention import Block
from stages.networks.shared.parts import require_at_least_1


def build(
    shape: tuple[int, ...],
    classes: int,
    depth: int = 4,
    width: int = 64,
    heads: int = 4,
    patch: int = 4,
    norm: Literal["pre", "post"] = "pre",
    packed: bool = True,
    registers: int = 0,
    gain: Literal["none", "scalar"] = "none",
) -> nn.Module:
    """`embed` of patches plus learned `positions`, `depth` blocks, and `out` of the mean token.

    A block applies f = attention, then f(x) = last(gelu(first(x))): as x + gain · f(norm(x)) if
    norm is "pre", with one more norm before `out`, and as norm(x + gain · f(x)) if it is "post"
    (Xiong et al. 2020, arXiv:2002.04745). The rows of `qkv` are those of q, k and v, in this order;
    unless `packed` they are layers of their own. Scalar gains are trained from 1 (Bachlechner et
    al. 2020, arXiv:2003.04887). `registers` are so many learned tokens that follow the patches and
    are left out of the mean (Darcet et al. 2023, arXiv:2309.16588); equal ones stay equal. They
    and `positions` start as N(0, 0.02²). Dosovitskiy et al. 2020 (arXiv:2010.11929).
    """
    if len(shape) not in (2, 3):
        raise ValueError(f"needs images or sequences, channels first; an example is {shape}")
    require_at_least_1(depth=depth, width=width, heads=heads, patch=patch)
    if registers < 0:
        raise ValueError(f"registers = {registers} must not be below 0")
    if any(side % patch for side in shape[1:]):
        raise ValueError(f"patch = {patch} must divide the sides of {shape}")
    embed = (nn.Conv2d if len(shape) == 3 else nn.Conv1d)(shape[0], width, patch, patch)
    positions = 0.02 * torch.randn(math.prod(side // patch for side in shape[1:]), width)
    blocks = [Block(width, heads, norm == "pre", packed, gain) for _ in range(depth)]
    net = Transformer(embed, positions, blocks, classes)
    if registers:
        net.registers = nn.Parameter(0.02 * torch.randn(registers, width))
    return net


class Transformer(nn.Module):
    def __init__(self, embed: nn.Module, positions: Tensor, blocks: list[Block], classes: int):
        super().__init__()
        self.embed = embed
        self.positions = nn.Parameter(positions)
        self.registers: nn.Parameter | None = None
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm(positions.shape[1]) if blocks[0].pre else nn.Identity()
        self.out = nn.Linear(positions.shape[1], classes)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(x).flatten(2).transpose(1, 2) + self.positions  # [n, tokens, width]
        if self.registers is not None:
            tokens = torch.cat([tokens, self.registers.expand(len(x), -1, -1)], 1)
        return self.out(self.norm(self.blocks(tokens)[:, : len(self.positions)]).mean(1))
