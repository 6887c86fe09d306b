"""The data set as tensors: images and labels, and what becomes of their pixels."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from stages.idx import FILES, read_idx

PIXELS = 28 * 28
CLASSES = 10

# Mean and standard deviation of MNIST's training pixels, scaled to [0, 1].
MEAN, STD = 0.1307, 0.3081


@dataclass(frozen=True)
class Images:
    """`pixels` uint8 `[n, 784]` and `labels` int64 `[n]`."""

    pixels: Tensor
    labels: Tensor

    def first(self, n: int | None) -> "Images":
        """The first n images, or all of them for None."""
        return Images(self.pixels[:n], self.labels[:n])


def load(folder: Path, split: str) -> Images:
    """Read the `train` or `test` split; raises ValueError for a file that is not such an IDX."""
    pixels = read_idx(folder / FILES[split, "images"])
    labels = read_idx(folder / FILES[split, "labels"])
    if len(pixels) != len(labels):
        raise ValueError(f"{folder}: {len(pixels)} {split} images but {len(labels)} labels")
    return Images(
        torch.from_numpy(pixels.reshape(len(pixels), PIXELS)),
        torch.from_numpy(labels.astype(np.int64)),
    )


_SCALE = 1 / (255 * STD)
_SHIFT = torch.tensor(-MEAN / STD, dtype=torch.float64)


def normalize(pixels: Tensor, out: Tensor) -> Tensor:
    """Write (pixel / 255 − MEAN) / STD of uint8 pixels into `out`, of the same shape."""
    out.copy_(pixels)
    return torch.add(_SHIFT, out, alpha=_SCALE, out=out)
