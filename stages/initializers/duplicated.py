"""Random weights that are the same for several units."""

import math

import torch
from torch import Tensor

from stages.training.seeds import Draws


def fill(tensor: Tensor, draws: Draws, rows: int = 1, columns: int = 1, noise: float = 0.0) -> None:
    """W[i, j] = B[i mod fan_out/rows, j mod fan_in/columns], B ~ U(−1/√fan_in, 1/√fan_in).

    Groups of `rows` units have equal incoming weights, and groups of `columns` units of the layer
    below have equal outgoing weights. Only units that share both stay equal (Goodfellow et al.
    2016, Deep Learning, section 8.4, on breaking symmetry). The bound is PyTorch's default. Of a
    convolution, rows are filters and columns are channels below. Every weight gets noise
    N(0, noise²). Raises ValueError for a bias, if the number of copies does not divide the number
    of units, and for noise below 0.
    """
    if tensor.ndim < 2:
        raise ValueError("it fills weights only; set the bias to zeros")
    if not noise >= 0:
        raise ValueError(f"noise = {noise!r} must not be below 0")
    units, below, *kernel = tensor.shape
    for name, copies, size in (("rows", rows, units), ("columns", columns, below)):
        if isinstance(copies, bool) or not isinstance(copies, int) or copies < 1 or size % copies:
            raise ValueError(f"{name} = {copies!r} must be a whole number that divides {size}")
    base = 2 * draws.uniform(units // rows, below // columns, *kernel) - 1
    base /= math.sqrt(tensor[0].numel())
    values = torch.from_numpy(base).repeat(rows, columns, *(1 for _ in kernel))
    if noise:
        values += noise * torch.from_numpy(draws.normal(*tensor.shape))
    tensor.copy_(values)
