"""Weights of which most are 0: a unit of the layer below has few connections."""

import math

import torch
from torch import Tensor

from stages.training.seeds import Draws


def fill(tensor: Tensor, draws: Draws, sparsity: float, std: float = 0.01) -> None:
    """W ~ N(0, std²), except for ⌈sparsity · fan_out⌉ zeros at random places in every column.

    Replaces torch.nn.init.sparse_, which draws the places of its zeros from a global generator.
    Raises ValueError for a bias, and for a sparsity outside 0 to 1. Martens 2010, Deep learning
    via Hessian-free optimization, section 5.
    """
    if tensor.ndim != 2:
        raise ValueError("it fills weights only; set the bias to zeros")
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparsity = {sparsity!r} must be between 0 and 1")
    tensor.copy_(torch.from_numpy(std * draws.normal(*tensor.shape)))
    zeros = math.ceil(sparsity * len(tensor))
    for column in tensor.T:
        column[draws.order(len(tensor))[:zeros]] = 0
