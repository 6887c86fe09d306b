"""MNIST-1D: ten classes of short sequences, generated."""

import torch
from mnist1d.data import make_dataset
from torch import Tensor


def load() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """4,000 and 1,000 sequences of 40 steps: float32 `[n, 1, 40]`; mean 0, variance 1 over all.

    The package generates them in float64 with a fixed seed, which it sets for NumPy and `random`.
    Their last digits depend on the processor; rounded to float32 they equal those of the published
    file. Greydanus & Kobak 2020 (arXiv:2011.14439).
    """
    values = make_dataset()
    train, test = (
        (
            torch.from_numpy(values[f"x{end}"]).float().unsqueeze(1),
            torch.from_numpy(values[f"y{end}"]),
        )
        for end in ("", "_test")
    )
    return train, test
