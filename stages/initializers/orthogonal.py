"""Random matrices with orthonormal rows or columns."""

import numpy as np
import torch
from torch import Tensor


def fill(tensor: Tensor, generator: torch.Generator, gain: float = 1.0) -> None:
    """W = gain · Q: orthonormal rows, or orthonormal columns if there are more rows than columns.

    Equals torch.nn.init.orthogonal_ from the same random numbers, except for rounding: the bits of
    torch's decomposition depend on the processor's maker. Raises ValueError for a bias. Saxe et
    al. 2013 (arXiv:1312.6120).
    """
    if tensor.ndim != 2:
        raise ValueError("it fills weights only; set the bias to zeros")
    normal = torch.empty_like(tensor).normal_(generator=generator).double().numpy()
    wide = normal.shape[0] < normal.shape[1]
    q, r = np.linalg.qr(normal.T if wide else normal)
    q *= np.sign(np.diag(r))  # so that every orthogonal matrix is as likely as any other
    tensor.copy_(torch.from_numpy(q.T if wide else q)).mul_(gain)
