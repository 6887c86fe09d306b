"""Random numbers: one independent stream for every purpose."""

import hashlib

import torch


def generator(seed: int, purpose: str) -> torch.Generator:
    """A generator whose stream depends on the seed and the purpose alone.

    Numbers drawn for one purpose never shift those of another: fc2's default weights and the
    order of the images are the same in all variants, whatever fills fc1. So variants are paired
    by seed.
    """
    digest = hashlib.sha256(f"{purpose}/{seed}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little"))
