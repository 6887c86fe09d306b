"""Layer-sequential unit variance: every layer scaled by what it really puts out."""

import numpy as np
import torch
from torch import Tensor

from stages.initializers.orthogonal import fill as orthogonal


def fill(tensor: Tensor, generator: torch.Generator, inputs: Tensor) -> None:
    """W = Q / std(inputs Qᵀ), with Q orthonormal and random.

    So the layer's outputs before its bias and its activation have variance 1 over the
    images and units. The procedure's repetitions are not needed: without a bias the outputs
    are proportional to the weights, and one division is exact. Raises ValueError for a bias,
    and if the layer receives nothing. Mishkin & Matas 2015 (arXiv:1511.06422), algorithm 1.
    """
    if tensor.ndim != 2:
        raise ValueError("it scales a weight by its outputs; give the bias zeros")
    orthogonal(tensor, generator)
    std = np.std(inputs.double().numpy() @ tensor.double().numpy().T)
    if not std > 0:
        raise ValueError("its layer gives the same for every image, so nothing can be scaled")
    tensor.div_(float(std))
