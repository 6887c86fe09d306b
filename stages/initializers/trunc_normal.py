"""A normal distribution cut off on both sides."""

from statistics import NormalDist

import torch
from torch import Tensor


def fill(
    tensor: Tensor,
    generator: torch.Generator,
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
    normal = NormalDist(mean, std)
    low, high = normal.cdf(a), normal.cdf(b)
    shares = torch.empty(tensor.shape, dtype=torch.float64).uniform_(low, high, generator=generator)
    # Far out all of the distribution rounds to 0 or 1, whose inverse is infinite.
    values = [
        normal.inv_cdf(share) if 0 < share < 1 else (a if share <= 0 else b)
        for share in shares.flatten().tolist()
    ]
    tensor.copy_(torch.tensor(values, dtype=torch.float64).view_as(tensor)).clamp_(a, b)
