"""Small pictures of the first layer's weights, taken while a network trains."""

import math
from collections.abc import Mapping, Sequence

import torch

UNITS = 16  # of the first layer, the first ones, that are pictured
SEED = 0  # the seed that is


def epochs(last: int) -> list[int]:
    """The epochs after which a picture is taken: 0 (before training), 1, 2, 4, …, the last."""
    return sorted({0, last, *(2**i for i in range(last.bit_length()))})


def take(tensors: Mapping[str, torch.Tensor], shape: Sequence[int]) -> torch.Tensor | None:
    """The incoming weights `[units, pixels]` of the first layer's first units.

    None if its units do not each see the whole image, or if an example is no image.
    """
    first = next(iter(tensors.values()))
    if first.ndim != 2 or first.shape[1] > math.prod(shape) or len(shape) < 2:
        return None
    return first[:UNITS].clone()


def quantized(pictures: dict[int, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Pictures by epoch in 8 bits, on one scale.

    `epoch` `[pictures]`; `fc1.weight` `[pictures, units, pixels]`, int8, in which 127 is
    the `largest` absolute weight of all pictures, `[1]`. Equal weights stay equal, and
    what is 0 alone becomes 0, since the rest is rounded away from it; where a network
    diverged, what is not finite is 0. Without pictures, nothing.
    """
    if not pictures:
        return {}
    stacked = torch.stack(list(pictures.values())).nan_to_num(0, 0, 0)
    largest = stacked.abs().max()
    levels = torch.zeros_like(stacked) if largest == 0 else stacked / largest * 127
    levels = levels.sign() * levels.abs().ceil()
    return {
        "epoch": torch.tensor(list(pictures)),
        "fc1.weight": levels.to(torch.int8),
        "largest": largest[None],
    }
