"""The networks of docs/examine.md, as they were and mended; trains all of them on MNIST-1D.

python -m docs.examined      # a few minutes: test accuracies, three seeds each
"""

import statistics
from collections.abc import Callable
from itertools import pairwise

import torch
from mnist1d.data import make_dataset
from torch import Tensor, nn
from torch.nn import functional

EPOCHS, BATCH, LR, SEEDS = 20, 100, 1e-3, 3


def deep(shape: tuple[int, ...], classes: int) -> nn.Module:
    """Thirty hidden layers, as nn.Linear initializes them."""
    hidden: list[nn.Module] = []
    for sizes in pairwise([shape[-1], *[64] * 30]):
        hidden += nn.Linear(*sizes), nn.ReLU()
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(64, classes))


def deep_mended(shape: tuple[int, ...], classes: int) -> nn.Module:
    """The same with He's initialization."""
    net = deep(shape, classes)
    for layer in net.modules():
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return net


class Block(nn.Module):
    """A residual branch that starts at zero: by its scale, and again by its last layer."""

    def __init__(self, width: int):
        super().__init__()
        self.first, self.last = nn.Linear(width, width), nn.Linear(width, width)
        self.scale = nn.Parameter(torch.zeros(1))
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale * self.last(functional.relu(self.first(x)))


def residual(shape: tuple[int, ...], classes: int) -> nn.Module:
    """Eight residual blocks."""
    blocks = [Block(64) for _ in range(8)]
    return nn.Sequential(nn.Flatten(), nn.Linear(shape[-1], 64), *blocks, nn.Linear(64, classes))


def residual_mended(shape: tuple[int, ...], classes: int) -> nn.Module:
    """The same, but only the last layer of a branch starts at zero."""
    net = residual(shape, classes)
    for block in net.modules():
        if isinstance(block, Block):
            nn.init.ones_(block.scale)
    return net


class Queries(nn.Module):
    """Learned queries that look at a sequence; their answers are added up."""

    def __init__(self, classes: int, count: int = 8, width: int = 32):
        super().__init__()
        self.enter = nn.Conv1d(1, width, 5, stride=2)
        self.query = nn.Parameter(torch.zeros(count, width))
        self.attention = nn.MultiheadAttention(width, 4, batch_first=True)
        self.leave = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        sequence = functional.relu(self.enter(x)).transpose(1, 2)
        found, _ = self.attention(self.query.expand(len(x), -1, -1), sequence, sequence)
        return self.leave(found.mean(1))


def queries(shape: tuple[int, ...], classes: int) -> nn.Module:
    """Eight queries that start at zero."""
    return Queries(classes)


def queries_mended(shape: tuple[int, ...], classes: int) -> nn.Module:
    """The same with random queries."""
    net = Queries(classes)
    nn.init.normal_(net.query)
    return net


def accuracy(build: Callable[[tuple[int, ...], int], nn.Module], seed: int) -> float:
    """The test accuracy after training."""
    values = make_dataset()
    inputs, test_inputs = (torch.tensor(values[k]).float()[:, None] for k in ("x", "x_test"))
    labels, test_labels = (torch.tensor(values[k]) for k in ("y", "y_test"))
    torch.manual_seed(seed)
    net = build(tuple(inputs.shape[1:]), 10)
    optimizer = torch.optim.Adam(net.parameters(), lr=LR)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(labels)).split(BATCH):
            optimizer.zero_grad()
            functional.cross_entropy(net(inputs[rows]), labels[rows]).backward()
            optimizer.step()
    with torch.no_grad():
        return (net(test_inputs).argmax(1) == test_labels).float().mean().item()


if __name__ == "__main__":
    for build in (deep, deep_mended, residual, residual_mended, queries, queries_mended):
        found = [accuracy(build, seed) for seed in range(SEEDS)]
        spread = f"({min(found):.1%} to {max(found):.1%})"
        print(f"{build.__name__}: {statistics.mean(found):.1%} {spread}", flush=True)
