"""Random matrices with orthonormal rows or columns."""

import torch
from torch import Tensor

from stages.training.mlp.functions import orthonormal
from stages.training.seeds import Draws


def fill(tensor: Tensor, draws: Draws, gain: float = 1.0) -> None:
    """W = gain · Q: orthonormal rows, or orthonormal columns if there are more rows than columns.

    The law is that of torch.nn.init.orthogonal_. Raises ValueError for a bias. Saxe et al. 2013
    (arXiv:1312.6120).
    """
    if tensor.ndim != 2:
        raise ValueError("it fills weights only; set the bias to zeros")
    wide = tensor.shape[0] <= tensor.shape[1]
    rows = orthonormal(draws.normal(*(tensor.shape if wide else tensor.T.shape)))
    tensor.copy_(torch.from_numpy(gain * (rows if wide else rows.T)))
