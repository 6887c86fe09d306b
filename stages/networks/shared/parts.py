"""Normalizations, gains, and the check of arguments that are counts."""

import torch
from torch import Tensor, nn


def require_at_least_1(**counts: int) -> None:
    """Raises ValueError, which names the first argument below 1."""
    for name, value in counts.items():
        if value < 1:
            raise ValueError(f"{name} = {value} must be at least 1")


class Gain(nn.Module):
    """Multiplies by one trained number, 1 at first, whatever the width."""

    def __init__(self, _width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x


# Each takes the width, which nn.Identity ignores.
NORMS = {"none": nn.Identity, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
GAINS = {"none": nn.Identity, "scalar": Gain, "batch": nn.BatchNorm1d}
