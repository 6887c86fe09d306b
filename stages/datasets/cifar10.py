"""CIFAR-10: ten classes of photographs."""

from pathlib import Path

import torch
from torch import Tensor
from torchvision.datasets import CIFAR10


def load(
    folder: Path = Path("data/downloads"),
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """50,000 and 10,000 images: uint8 `[n, 3, 32, 32]`, the channels red, green and blue.

    torchvision downloads the archive (170 MB) into the folder if it is not there, unpacks it, and
    checks both against its own MD5 sums. Raises OSError if it cannot. Krizhevsky 2009, Learning
    multiple layers of features from tiny images.
    """
    try:
        train, test = (CIFAR10(folder, train=split, download=True) for split in (True, False))
    except (OSError, RuntimeError) as error:
        raise OSError(f"{error}; put {CIFAR10.url} into {folder}") from None
    return as_tensors(train), as_tensors(test)


def as_tensors(images: CIFAR10) -> tuple[Tensor, Tensor]:
    """Torchvision's `[n, 32, 32, 3]` with the channels first, and the labels."""
    pixels = torch.from_numpy(images.data).permute(0, 3, 1, 2).contiguous()
    return pixels, torch.tensor(images.targets)
