"""A network's tensors as one array, in the layout of kernel.c.

Layer l has inputs of width sizes[l] and outputs of width sizes[l + 1]. Its weights are
`[fan_in, padded fan_out]`, its biases follow; layers lie one after the other. What is padded is 0.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from stages.training.plan import tensor_names

Flat: TypeAlias = npt.NDArray[np.floating[Any]]

ALIGNMENT = 64  # bytes: a vector of the kernel


def allocate(length: int, dtype: Any) -> Flat:
    """Zeros that begin at a multiple of ALIGNMENT bytes."""
    room = np.zeros(length + ALIGNMENT, dtype)
    start = -room.ctypes.data % ALIGNMENT // room.itemsize
    return room[start : start + length]


def padded(width: int, dtype: Any) -> int:
    """A width rounded up to whole vectors."""
    lanes = ALIGNMENT // np.dtype(dtype).itemsize
    return -(-width // lanes) * lanes


def matrices(sizes: list[int], flat: Flat) -> Iterator[tuple[Flat, Flat]]:
    """Views of every layer's weights `[fan_out, fan_in]` and biases `[fan_out]`."""
    start = 0
    for fan_in, fan_out in pairwise(sizes):
        width = padded(fan_out, flat.dtype)
        end = start + fan_in * width
        yield (
            flat[start:end].reshape(fan_in, width)[:, :fan_out].T,
            flat[end : end + fan_out],
        )
        start = end + width


def named(sizes: list[int], flat: Flat) -> dict[str, Tensor]:
    """Every tensor by its name (`fc1.weight`, `fc1.bias`, …), as a view."""
    views = (torch.from_numpy(view) for layer in matrices(sizes, flat) for view in layer)
    return dict(zip(tensor_names(sizes[1:-1]), views, strict=True))


def flat_of(sizes: list[int], tensors: Mapping[str, Tensor], dtype: Any = np.float32) -> Flat:
    """Tensors by their names in the kernel's layout."""
    length = sum((i + 1) * padded(o, dtype) for i, o in pairwise(sizes))
    flat = allocate(length, dtype)
    for name, view in named(sizes, flat).items():
        view.copy_(tensors[name])
    return flat
