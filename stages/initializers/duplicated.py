"""Random weights in which units come in identical copies."""

import math

import torch
from torch import Tensor


def fill(tensor: Tensor, generator: torch.Generator, rows: int = 1, columns: int = 1) -> None:
    """W[i, j] = B[i mod fan_out/rows, j mod fan_in/columns], B ~ U(−1/√fan_in, 1/√fan_in).

    `rows` copies of every unit have equal incoming weights, `columns` copies of every unit
    of the layer before have equal outgoing ones. Only units that are equal in both stay
    equal (Goodfellow et al. 2016, Deep Learning, section 8.4, on breaking symmetry). The
    bound is PyTorch's default. Raises ValueError for a bias, and if the copies do not come
    out even.
    """
    if tensor.ndim != 2:
        raise ValueError("it fills a weight; equal units have equal biases, for example zeros")
    fan_out, fan_in = tensor.shape
    for name, copies, size in (("rows", rows, fan_out), ("columns", columns, fan_in)):
        if isinstance(copies, bool) or not isinstance(copies, int) or copies < 1 or size % copies:
            raise ValueError(f"{name} = {copies!r} must be a whole number that divides {size}")
    bound = 1 / math.sqrt(fan_in)
    base = torch.empty(fan_out // rows, fan_in // columns)
    base.uniform_(-bound, bound, generator=generator)
    tensor.copy_(base.repeat(rows, columns))
