"""A data set as tensors: images, labels, and normalized pixels."""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from stages.training import integrity
from stages.training.plan import MEAN, STD

FILES = {
    ("train", "images"): "train-images-idx3-ubyte",
    ("train", "labels"): "train-labels-idx1-ubyte",
    ("test", "images"): "t10k-images-idx3-ubyte",
    ("test", "labels"): "t10k-labels-idx1-ubyte",
}

# Of each of the data sets.
TRAIN_IMAGES = 60_000
SIDE = 28  # pixels
CLASSES = 10


@dataclass(frozen=True)
class Images:
    """`pixels` uint8 `[n, 784]` and `labels` int64 `[n]`."""

    pixels: Tensor
    labels: Tensor

    def first(self, n: int | None) -> "Images":
        """The first n images, or all of them for None."""
        return Images(self.pixels[:n], self.labels[:n])

    def cropped(self, side: int | None) -> "Images":
        """The square of so many pixels a side in the middle of every image; None: all of it."""
        if side is None:
            return self
        square = slice(start := (SIDE - side) // 2, start + side)
        pixels = self.pixels.reshape(-1, SIDE, SIDE)[:, square, square]
        return Images(pixels.reshape(-1, side**2).contiguous(), self.labels)


@dataclass(frozen=True)
class Dataset:
    """The images that a network is trained on, and those that it is tested on."""

    train: Images
    test: Images

    def cropped(self, side: int | None) -> "Dataset":
        """Both, as Images.cropped."""
        return Dataset(self.train.cropped(side), self.test.cropped(side))


def load(folder: Path, limit: int | None = None) -> Dataset:
    """Read a data set, with the first `limit` training images; raises DamagedError."""
    contents = integrity.read(folder, FILES.values())
    values = {key: read_idx(contents[name]) for key, name in FILES.items()}
    train, test = (
        Images(
            torch.from_numpy(values[split, "images"].reshape(-1, SIDE**2)),
            torch.from_numpy(values[split, "labels"].astype(np.int64)),
        )
        for split in ("train", "test")
    )
    return Dataset(train.first(limit), test)


def read_idx(content: bytes) -> npt.NDArray[np.uint8]:
    """The values of an IDX file of unsigned bytes, in the shape that its header states.

    The format (yann.lecun.com/exdb/mnist): two zero bytes, a type (8 = unsigned byte), the
    number of dimensions, each dimension as a big-endian 32-bit integer, the values. Raises
    ValueError for anything else.
    """
    if content[:3] != b"\0\0\x08" or len(content) < (start := 4 + 4 * content[3]):
        raise ValueError("not an IDX file of unsigned bytes")
    shape = struct.unpack(f">{content[3]}I", content[4:start])
    return np.frombuffer(bytearray(content[start:]), dtype=np.uint8).reshape(shape)


def normalized(pixels: Tensor) -> Tensor:
    """(pixel / 255 − MEAN) / STD of uint8 pixels: up to rounding what kernel.c trains on."""
    values = pixels.numpy() * np.float64(1 / (255 * STD)) - MEAN / STD
    return torch.from_numpy(values.astype(np.float32))
