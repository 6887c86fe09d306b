"""A normal distribution cut off on both sides."""

import numpy as np
import torch
from torch import Tensor

from stages.training.mlp.functions import normal_quantiles, normal_shares
from stages.training.seeds import Draws


def fill(
    tensor: Tensor,
    draws: Draws,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
) -> None:
    """N(mean, std²) within [a, b], which are values, not multiples of std.

    Inverts the distribution function, as torch.nn.init.trunc_normal_ does; the bits of torch's
    inverse depend on the processor's maker. Raises ValueError for an empty interval and for a std
    that is not above 0.
    """
    if not (std > 0 and a < b):
        raise ValueError(f"std = {std!r} must be above 0, and a = {a!r} below b = {b!r}")
    ends = (np.array([a, b]) - mean) / std
    low, high = normal_shares(ends)
    shares = low + (high - low) * draws.uniform(*tensor.shape)
    # Far out all of the distribution rounds to 0 or 1, whose inverse is not finite.
    values = np.where(
        shares <= 0, a, np.where(shares >= 1, b, mean + std * normal_quantiles(shares))
    )
    tensor.copy_(torch.from_numpy(values)).clamp_(a, b)
