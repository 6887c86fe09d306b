"""Weights of one size with random signs."""

import math

import numpy as np
import torch
from torch import Tensor

from stages.training.seeds import Draws


def fill(tensor: Tensor, draws: Draws, gain: float = math.sqrt(2)) -> None:
    """W = ±gain/√fan_in, each sign as likely as the other.

    The default gain keeps the variance under ReLU. Raises ValueError for a bias. “Signed Kaiming
    constant” of Ramanujan et al. 2019 (arXiv:1911.13299).
    """
    if tensor.ndim < 2:
        raise ValueError("it fills weights only; set the bias to zeros")
    size = gain / math.sqrt(tensor[0].numel())
    values = np.where(draws.uniform(*tensor.shape) < 0.5, -size, size)
    tensor.copy_(torch.from_numpy(values))
