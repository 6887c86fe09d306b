"""Random weights that are the same for several units."""

import math

import torch
from torch import Tensor

from stages.training.seeds import Draws


def fill(tensor: Tensor, draws: Draws, rows: int = 1, columns: int = 1) -> None:
    """W[i, j] = B[i mod fan_out/rows, j mod fan_in/columns], B ~ U(−1/√fan_in, 1/√fan_in).

    Groups of `rows` units have equal incoming weights, and groups of `columns` units of the layer
    below have equal outgoing weights. Only units that share both stay equal (Goodfellow et al.
    2016, Deep Learning, section 8.4, on breaking symmetry). The bound is PyTorch's default. Raises
    ValueError for a bias, and if the number of copies does not divide the number of units.
    """
    if tensor.ndim != 2:
        raise ValueError("it fills weights only; set the bias to zeros")
    fan_out, fan_in = tensor.shape
    for name, copies, size in (("rows", rows, fan_out), ("columns", columns, fan_in)):
        if isinstance(copies, bool) or not isinstance(copies, int) or copies < 1 or size % copies:
            raise ValueError(f"{name} = {copies!r} must be a whole number that divides {size}")
    base = (2 * draws.uniform(fan_out // rows, fan_in // columns) - 1) / math.sqrt(fan_in)
    tensor.copy_(torch.from_numpy(base).repeat(rows, columns))
