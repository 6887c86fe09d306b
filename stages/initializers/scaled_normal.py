"""Normal weights whose variance is a multiple of 1/fan_in, as in mean-field theory."""

import math

import torch
from torch import Tensor

from stages.training.seeds import Draws


def fill(tensor: Tensor, draws: Draws, variance: float = 1.0) -> None:
    """W ~ N(0, variance/fan_in): He's weights with a variance of 2, LeCun's with 1.

    `variance` is σ_w² of mean-field theory. Raises ValueError for a bias, and for a variance
    below 0. Schoenholz et al. 2017 (arXiv:1611.01232).
    """
    if tensor.ndim < 2:
        raise ValueError("it fills weights only, since a bias has no fan-in; use normal")
    if not variance >= 0:
        raise ValueError(f"variance = {variance!r} must not be below 0")
    std = math.sqrt(variance / tensor[0].numel())
    tensor.copy_(torch.from_numpy(std * draws.normal(*tensor.shape)))
