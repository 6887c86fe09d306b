"""Few connections out of every unit below: most of every column is 0."""

import math

import torch
from torch import Tensor


def fill(tensor: Tensor, generator: torch.Generator, sparsity: float, std: float = 0.01) -> None:
    """Every column has ⌈sparsity · fan_out⌉ zeros at random places, and else N(0, std²).

    What torch.nn.init.sparse_ does, which places its zeros with numbers of its own and so
    elsewhere in every run. Raises ValueError for a bias, and for a sparsity outside 0 to 1.
    Martens 2010, Deep learning via Hessian-free optimization, section 5.
    """
    if tensor.ndim != 2:
        raise ValueError("it fills a weight; give the bias zeros")
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparsity = {sparsity!r} must be between 0 and 1")
    tensor.normal_(0, std, generator=generator)
    zeros = math.ceil(sparsity * len(tensor))
    for column in tensor.T:
        column[torch.randperm(len(tensor), generator=generator)[:zeros]] = 0
