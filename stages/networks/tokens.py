"""A transformer over discrete tokens, whose last layer can share the embedding's weights."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from stages.networks.shared.attention import Block
from stages.networks.shared.parts import require_at_least_1

LIMIT = 3  # values beyond ±LIMIT belong to the outermost bins


def build(
    shape: tuple[int, ...],
    classes: int,
    vocabulary: int = 32,
    width: int = 32,
    depth: int = 2,
    heads: int = 2,
    stride: int = 2,
    tied: bool = True,
) -> nn.Module:
    """Tokens `embed`[bin of a value] plus learned `positions`, `depth` blocks, logits of the last.

    Every `stride`-th value of an example of one channel is a token: the number of its bin, of
    `vocabulary` equal ones from −3 to 3. Blocks are the transformer's with norm "pre", and one
    more `norm` follows them. Logits are h · embed.weight[:classes]ᵀ if tied (Press & Wolf 2016,
    arXiv:1608.05859), and `out` if not. `embed` starts as N(0, 1), `positions` as N(0, 0.02²).
    """
    if len(shape) < 2 or shape[0] != 1:
        raise ValueError(f"needs images or sequences of one channel; an example is {shape}")
    counts = {"vocabulary": vocabulary, "width": width, "depth": depth, "heads": heads}
    require_at_least_1(**counts, stride=stride)
    if tied and vocabulary < classes:
        raise ValueError(f"vocabulary = {vocabulary} must be at least {classes}, one per class")
    positions = 0.02 * torch.randn(math.ceil(math.prod(shape) / stride), width)
    blocks = [Block(width, heads, pre=True) for _ in range(depth)]
    out = None if tied else nn.Linear(width, classes)
    return Tokens(Bins(vocabulary, width, stride), positions, blocks, out, classes)


class Bins(nn.Embedding):
    """The vectors `[n, tokens, width]` of the bins of every stride-th value."""

    def __init__(self, vocabulary: int, width: int, stride: int):
        super().__init__(vocabulary, width)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        shares = (x.flatten(1)[:, :: self.stride] + LIMIT) / (2 * LIMIT)
        bins = (shares * self.num_embeddings).clamp(0, self.num_embeddings - 1)
        return super().forward(bins.long())


class Tokens(nn.Module):
    def __init__(
        self,
        embed: Bins,
        positions: Tensor,
        blocks: list[Block],
        out: nn.Linear | None,
        classes: int,
    ):
        super().__init__()
        self.embed = embed
        self.positions = nn.Parameter(positions)
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm(positions.shape[1])
        self.out = out
        self.classes = classes

    def forward(self, x: Tensor) -> Tensor:
        last = self.norm(self.blocks(self.embed(x) + self.positions)[:, -1])
        return self.out(last) if self.out else linear(last, self.embed.weight[: self.classes])
