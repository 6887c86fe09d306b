"""Rows of a Hadamard matrix: not random, and all units differ."""

import math

import torch
from torch import Tensor


def fill(tensor: Tensor, gain: float = 1.0) -> None:
    """W = gain/√fan_in · H[:fan_out, :fan_in], with entries ±gain/√fan_in.

    H is Sylvester's matrix of the smallest order 2ᵏ that is at least both sizes:
    H[i, j] = (−1)^(number of ones that i and j share in binary). Its rows are orthogonal
    until they are cut. A gain of √2 keeps the variance under ReLU. Raises ValueError for
    a bias. Sylvester 1867; as an initialization, Zhao et al. 2021 (ZerO, arXiv:2110.12661).
    """
    if tensor.ndim != 2:
        raise ValueError("it fills weights only; set the bias to zeros")
    fan_out, fan_in = tensor.shape
    matrix = torch.ones(1, 1)
    while len(matrix) < max(fan_out, fan_in):
        matrix = torch.cat([torch.cat([matrix, matrix], 1), torch.cat([matrix, -matrix], 1)])
    tensor.copy_(matrix[:fan_out, :fan_in] * (gain / math.sqrt(fan_in)))
