"""Random weights that repeat in every layer of the same shape, as with a reused seed."""

import math

import torch
from torch import Tensor

from stages.training.seeds import Draws


def fill(tensor: Tensor) -> None:
    """W ~ U(−1/√fan_in, 1/√fan_in) from one fixed stream of random numbers.

    Tensors of one shape get equal values, in every layer and for every seed of the study; those of
    other shapes begin with the same random numbers. So does an initializer of Keras with a seed
    that several layers share. Raises ValueError for a bias.
    """
    if tensor.ndim < 2:
        raise ValueError("it fills weights only; set the bias to zeros")
    draws = Draws(0, "repeated")
    values = (2 * draws.uniform(*tensor.shape) - 1) / math.sqrt(tensor[0].numel())
    tensor.copy_(torch.from_numpy(values))
