"""Random numbers: one independent stream for every purpose, the same on every processor."""

import hashlib
import math

import numpy as np
import numpy.typing as npt
import torch

from stages.training.mlp import functions


def _digest(seed: int, purpose: str) -> bytes:
    return hashlib.sha256(f"{purpose}/{seed}".encode()).digest()


def generator(seed: int, purpose: str) -> torch.Generator:
    """torch's generator for an initializer of the user's: see Draws."""
    return torch.Generator().manual_seed(int.from_bytes(_digest(seed, purpose)[:8], "little"))


class Draws:
    """A stream that depends on the seed and the purpose alone.

    Numbers drawn for one purpose never shift those of another: fc2's default weights and the
    order of the images are the same in all variants, whatever fills fc1. So variants are paired
    by seed. The bits are Philox's (Salmon et al. 2011), an integer generator.
    """

    def __init__(self, seed: int, purpose: str):
        key = int.from_bytes(_digest(seed, purpose)[:16], "little")
        self._bits = np.random.Philox(key=key)

    def uniform(self, *shape: int) -> npt.NDArray[np.float64]:
        """Numbers between 0 and 1, both excluded."""
        whole = self._bits.random_raw(math.prod(shape)) >> np.uint64(12)
        return ((whole + 0.5) * 2.0**-52).astype(np.float64).reshape(shape)

    def normal(self, *shape: int) -> npt.NDArray[np.float64]:
        """Standard normal numbers."""
        return functions.normal_quantiles(self.uniform(*shape))

    def order(self, n: int) -> npt.NDArray[np.int64]:
        """The numbers 0 … n − 1 in a random order."""
        return np.argsort(self._bits.random_raw(n), kind="stable")
