"""Random numbers: one independent stream for every purpose."""

import hashlib

import torch


def generator(seed: int, purpose: str) -> torch.Generator:
    """A generator whose stream depends on the seed and the purpose alone.

    What one purpose draws never shifts what another draws: a variant that fills fc1
    anew leaves fc2's default weights and the order of the images as they are in every
    other variant, so variants are paired by seed.
    """
    digest = hashlib.sha256(f"{purpose}/{seed}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little"))
