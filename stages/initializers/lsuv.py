"""Layer-sequential unit variance: weights scaled by the measured outputs of their layer."""

import numpy as np
from torch import Tensor

from stages.initializers.orthogonal import fill as orthogonal
from stages.training.mlp.functions import products
from stages.training.seeds import Draws


def fill(tensor: Tensor, draws: Draws, inputs: Tensor) -> None:
    """W = Q / std(inputs Qᵀ), with Q orthonormal and random.

    The outputs of the layer, before bias and activation, get variance 1 over images and units.
    One division is exact, so the algorithm's repetitions are not needed: without a bias the
    outputs are proportional to the weights. Raises ValueError for a bias, and if all inputs are
    0. Mishkin & Matas 2015 (arXiv:1511.06422), algorithm 1.
    """
    if tensor.ndim != 2:
        raise ValueError("it fills weights only; set the bias to zeros")
    orthogonal(tensor, draws)
    std = np.std(products(inputs.double().numpy(), tensor.double().numpy()))
    if not std > 0:
        raise ValueError("its layer has equal outputs for all images and cannot be scaled")
    tensor.div_(float(std))
