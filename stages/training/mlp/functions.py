"""Functions of arrays that kernel.c has: products of rows, and the normal distribution."""

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

from stages.training.mlp import build, layout

Doubles = npt.NDArray[np.float64]


def normal_quantiles(shares: Doubles) -> Doubles:
    """The values below which shares of the standard normal distribution lie."""
    return _replaced("quantiles", shares)


def normal_shares(values: Doubles) -> Doubles:
    """The shares of the standard normal distribution below values."""
    return _replaced("shares", values)


def _replaced(function: str, values: Doubles) -> Doubles:
    found = np.array(values, float)
    getattr(build.library("double"), function)(_at(found), ctypes.c_long(found.size))
    return found


def orthonormal(matrix: Doubles) -> Doubles:
    """Orthonormal rows that span those of a matrix `[m, n]`, m ≤ n, one after the other."""
    found = np.array(matrix, float, order="C")
    sizes = (ctypes.c_long(size) for size in found.shape)
    build.library("double").orthonormalize(_at(found), *sizes)
    return found


def products(matrix: Doubles, other: Doubles) -> Doubles:
    """The products of all rows of a matrix `[m, n]` with all rows of another `[k, n]`: `[m, k]`."""
    (rows, terms), columns = matrix.shape, len(other)
    width = layout.padded(columns, float)
    own = np.ascontiguousarray(matrix)
    transposed = layout.allocate(terms * width, float).reshape(terms, width)
    transposed[:, :columns] = other.T
    out: Any = layout.allocate(rows * width, float).reshape(rows, width)
    sizes = (ctypes.c_long(size) for size in (rows, terms, width))
    build.library("double").products(_at(own), _at(transposed), *sizes, _at(out))
    found: Doubles = out[:, :columns]
    return found


def _at(array: npt.NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
