"""Blocks of a transformer."""

from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from stages.networks.shared.parts import GAINS


class Attention(nn.Module):
    """Of tokens `[n, tokens, width]` to one another; raises ValueError unless heads divide width.

    The rows of `qkv` are those of q, k and v, in this order; unless packed, they are layers.
    """

    def __init__(self, width: int, heads: int, packed: bool):
        super().__init__()
        if width % heads:
            raise ValueError(f"heads = {heads} must divide width = {width}")
        self.heads, self.packed = heads, packed
        if packed:
            self.qkv = nn.Linear(width, 3 * width)
        else:
            self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.qkv(x).chunk(3, 2) if self.packed else (self.q(x), self.k(x), self.v(x))
        q, k, v = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in parts)
        return self.proj(scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention, then last(gelu(first(x))), each added to its input, before or after its norm."""

    def __init__(self, width: int, heads: int, pre: bool, packed: bool = True, gain: str = "none"):
        super().__init__()
        self.pre = pre
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads, packed)
        self.first, self.last = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.gain1, self.gain2 = GAINS[gain](width), GAINS[gain](width)

    def forward(self, x: Tensor) -> Tensor:
        branches = (self.norm1, self.attention, self.gain1), (self.norm2, self._mlp, self.gain2)
        for norm, branch, gain in branches:
            x = x + gain(branch(norm(x))) if self.pre else norm(x + gain(branch(x)))
        return x

    def _mlp(self, x: Tensor) -> Tensor:
        return self.last(gelu(self.first(x)))
