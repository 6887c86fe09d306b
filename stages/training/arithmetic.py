"""Arithmetic whose last bits do not depend on who made the processor.

torch's own kernels (sums, means, deviations, norms, softmax, activations, random fills, Adam,
SGD) are chosen by the instruction set alone, and stages/training/__init__.py pins that. What torch
hands to Intel's MKL is chosen by the processor's maker too, so it differs between Intel and AMD:

- products, but for the shapes that `_mkl_agrees` tells;
- exp, log, sqrt, erf and erfinv, and of float64 tanh, sin and cos: use `math`, whose functions
  come from the C library, and of NumPy sqrt alone, which IEEE 754 defines to the last bit;
- all of torch.linalg but norms: use NumPy, whose OpenBLAS takes the kernels that are pinned.

Seen with processors emulated by QEMU; docs/reproducibility.md tells which.
"""

import numpy as np
import torch
from torch import Tensor


def _mkl_agrees(rows: int, inner: int, columns: int) -> bool:
    """Whether MKL gives a float32 product the same bits on Intel and AMD.

    As measured with MKL_CBWR=AVX2,STRICT: it does not for few rows or columns, which have
    kernels of their own, nor for sums of these lengths, which are cut into blocks otherwise.
    """
    return rows >= 4 and columns >= 16 and not 192 < inner < 384


def _by_mkl(a: Tensor, b: Tensor) -> bool:
    rows, inner = a.shape
    return a.dtype == torch.float32 and _mkl_agrees(rows, inner, b.shape[1])


def product(a: Tensor, b: Tensor, out: Tensor) -> None:
    """Write the matrix product a b into `out`."""
    if _by_mkl(a, b):
        torch.mm(a, b, out=out)
    else:
        np.matmul(a.numpy(), b.numpy(), out=out.numpy())


def affine(bias: Tensor, a: Tensor, b: Tensor, out: Tensor) -> None:
    """Write a b, and `bias` added to every row, into `out`."""
    if _by_mkl(a, b):
        torch.addmm(bias, a, b, out=out)
    else:
        np.matmul(a.numpy(), b.numpy(), out=out.numpy())
        out.add_(bias)
