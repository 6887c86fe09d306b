"""Arithmetic whose last bits do not depend on the processor's maker.

torch's own kernels (sums, means, deviations, norms, softmax, activations, random fills, Adam,
SGD) are chosen by the instruction set alone, which stages/training/__init__.py pins. What torch
hands to Intel's MKL is chosen by the processor's maker too, and differs between Intel and AMD:

- products: `product` and `affine` ask for shapes alone in which it does not;
- exp, log, sqrt, erf and erfinv, and of float64 tanh, sin and cos: Python's `math` has them from
  the C library, and the root of NumPy is the one that IEEE 754 defines to the last bit;
- torch.linalg but for norms, and products in float64: NumPy has them from OpenBLAS, which takes
  the kernels that are pinned. It is slower, and may give equal units unequal last bits.

docs/reproducibility.md lists the processors on which this was measured.
"""

import torch
from torch import Tensor

# In which shapes MKL agrees in float32, as measured with MKL_CBWR=AVX2,STRICT: smaller ones have
# kernels of their own, and sums of lengths in between are cut into other blocks.
ROWS, COLUMNS = 4, 16  # at least
SHORT, LONG = 192, 384  # terms in a sum: at most, or at least


def product(a: Tensor, b: Tensor, out: Tensor) -> None:
    """Write the matrix product a b into `out`; rows of `a` that are equal give equal rows."""
    rows, columns = out.shape
    if rows >= ROWS and columns >= COLUMNS:
        _multiply(a, b, out)
        return
    # Turned over it is wide enough, as at the output layer; what is small both ways is padded.
    turned = torch.empty(max(columns, ROWS), max(rows, COLUMNS), dtype=out.dtype)
    _multiply(_padded(b, ROWS).t(), _padded(a.t(), COLUMNS), turned)
    out.copy_(turned[:columns, :rows].t())


def affine(bias: Tensor, a: Tensor, b: Tensor, out: Tensor) -> None:
    """Write a b, with `bias` added to every row, into `out`."""
    product(a, b, out)
    out.add_(bias)


def _multiply(a: Tensor, b: Tensor, out: Tensor) -> None:
    if SHORT < len(b) < LONG:
        torch.mm(a[:, :SHORT], b[:SHORT], out=out)
        out.addmm_(a[:, SHORT:], b[SHORT:])
    else:
        torch.mm(a, b, out=out)


def _padded(matrix: Tensor, columns: int) -> Tensor:
    """The matrix with columns of zeros, as many as it lacks."""
    missing = columns - matrix.shape[1]
    return torch.nn.functional.pad(matrix, (0, missing)) if missing > 0 else matrix
