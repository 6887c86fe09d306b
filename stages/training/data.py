"""A data set as tensors: images and labels, and what becomes of their pixels."""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from stages.training.plan import PIXELS

FILES = {
    ("train", "images"): "train-images-idx3-ubyte",
    ("train", "labels"): "train-labels-idx1-ubyte",
    ("test", "images"): "t10k-images-idx3-ubyte",
    ("test", "labels"): "t10k-labels-idx1-ubyte",
}

TRAIN_IMAGES = 60_000  # in each of the data sets

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


@dataclass(frozen=True)
class Dataset:
    """The images that a network is trained on, and those that it is tested on."""

    train: Images
    test: Images


def load(folder: Path, limit: int | None = None) -> Dataset:
    """Read a data set, of the training images the first `limit`; raises as `load_split`."""
    return Dataset(load_split(folder, "train").first(limit), load_split(folder, "test"))


def load_split(folder: Path, split: str) -> Images:
    """Read the `train` or `test` split; raises ValueError for a file that is not such an IDX."""
    pixels = read_idx(folder / FILES[split, "images"])
    labels = read_idx(folder / FILES[split, "labels"])
    if len(pixels) != len(labels):
        raise ValueError(f"{folder}: {len(pixels)} {split} images but {len(labels)} labels")
    return Images(
        torch.from_numpy(pixels.reshape(len(pixels), PIXELS)),
        torch.from_numpy(labels.astype(np.int64)),
    )


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, in the shape that its header tells.

    The format (yann.lecun.com/exdb/mnist): two zero bytes, a type (8 = unsigned byte), the
    number of dimensions, each dimension as a big-endian 32-bit integer, the values. Raises
    ValueError for anything else.
    """
    content = path.read_bytes()
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    dimensions = content[3]
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise ValueError(f"{path}: ends within its header")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    if len(content) - start != np.prod(shape):
        raise ValueError(f"{path}: {len(content) - start} values, but the header tells {shape}")
    return np.frombuffer(bytearray(content[start:]), dtype=np.uint8).reshape(shape)


_SCALE = 1 / (255 * STD)
_SHIFT = torch.tensor(-MEAN / STD, dtype=torch.float64)


def normalize(pixels: Tensor, out: Tensor) -> Tensor:
    """Write (pixel / 255 − MEAN) / STD of uint8 pixels into `out`, of the same shape."""
    out.copy_(pixels)
    return torch.add(_SHIFT, out, alpha=_SCALE, out=out)
