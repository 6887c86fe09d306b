"""A transformer over the patches of an image or a sequence."""

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention


def build(
    shape: tuple[int, ...],
    classes: int,
    depth: int = 4,
    width: int = 64,
    heads: int = 4,
    patch: int = 4,
    norm: Literal["pre", "post"] = "pre",
) -> nn.Module:
    """`embed` of patches plus learned `positions`, `depth` blocks, and `out` of the mean token.

    A block applies f = attention, then f(x) = last(gelu(first(x))): as x + f(norm(x)) if norm is
    "pre", with one more norm before `out`, and as norm(x + f(x)) if it is "post" (Xiong et al.
    2020, arXiv:2002.04745). The rows of `qkv` are those of q, k and v, in this order. `positions`
    start as N(0, 0.02²). Dosovitskiy et al. 2020 (arXiv:2010.11929).
    """
    if len(shape) not in (2, 3):
        raise ValueError(f"needs images or sequences, channels first; an example is {shape}")
    for name, value in {"depth": depth, "width": width, "heads": heads, "patch": patch}.items():
        if value < 1:
            raise ValueError(f"{name} = {value} must be at least 1")
    if width % heads:
        raise ValueError(f"heads = {heads} must divide width = {width}")
    if any(side % patch for side in shape[1:]):
        raise ValueError(f"patch = {patch} must divide the sides of {shape}")
    embed = (nn.Conv2d if len(shape) == 3 else nn.Conv1d)(shape[0], width, patch, patch)
    positions = 0.02 * torch.randn(math.prod(side // patch for side in shape[1:]), width)
    blocks = [Block(width, heads, norm == "pre") for _ in range(depth)]
    return Transformer(embed, positions, blocks, classes)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.proj(scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self, width: int, heads: int, pre: bool):
        super().__init__()
        self.pre = pre
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.first, self.last = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def mlp(self, x: Tensor) -> Tensor:
        return self.last(gelu(self.first(x)))

    def forward(self, x: Tensor) -> Tensor:
        for norm, branch in ((self.norm1, self.attention), (self.norm2, self.mlp)):
            x = x + branch(norm(x)) if self.pre else norm(x + branch(x))
        return x


class Transformer(nn.Module):
    def __init__(self, embed: nn.Module, positions: Tensor, blocks: list[Block], classes: int):
        super().__init__()
        self.embed = embed
        self.positions = nn.Parameter(positions)
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm(positions.shape[1]) if blocks[0].pre else nn.Identity()
        self.out = nn.Linear(positions.shape[1], classes)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(x).flatten(2).transpose(1, 2)  # [n, tokens, width]
        return self.out(self.norm(self.blocks(tokens + self.positions)).mean(1))
