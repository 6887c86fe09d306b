"""Random matrices with orthonormal rows or columns."""

import torch
from torch import Tensor

from stages.training.mlp.functions import orthonormal
from stages.training.seeds import Draws


def fill(tensor: Tensor, draws: Draws, gain: float = 1.0) -> None:
    """W = gain · Q: orthonormal rows, or orthonormal columns if there are more rows than columns.

    A row is a unit. The law is that of torch.nn.init.orthogonal_. Raises ValueError for a bias.
    Saxe et al. 2013 (arXiv:1312.6120).
    """
    if tensor.ndim < 2:
        raise ValueError("it fills weights only; set the bias to zeros")
    fan_out, fan_in = tensor.flatten(1).shape
    rows = orthonormal(draws.normal(*sorted((fan_out, fan_in))))
    matrix = torch.from_numpy(gain * (rows if fan_out <= fan_in else rows.T))
    tensor.copy_(matrix.reshape(tensor.shape))
