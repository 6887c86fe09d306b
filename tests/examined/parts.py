"""What both files of networks use."""

import torch
import torch.nn.functional as F
from torch import nn


def blobs(n, classes, *shape, noise=0.5):
    """Noisy copies of one random centre per class, and their labels."""
    labels = torch.arange(n) % classes
    return torch.randn(classes, *shape)[labels] + noise * torch.randn(n, *shape), labels


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x, causal=False):
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        x = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return self.proj(x.transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self, dim, heads, causal=False):
        super().__init__()
        self.causal = causal
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = Attention(dim, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x):
        x = x + self.attention(self.norm1(x), self.causal)
        return x + self.mlp(self.norm2(x))
