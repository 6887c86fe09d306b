"""A data set as tensors: inputs and labels.

MNIST and its relatives are IDX files; every other data set is what a file in stages/datasets
loads, kept as one safetensors file.
"""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load as load_tensors
from torch import Tensor

from stages.training import integrity
from stages.training.plan import MEAN, STD

FILES = {
    ("train", "images"): "train-images-idx3-ubyte",
    ("train", "labels"): "train-labels-idx1-ubyte",
    ("test", "images"): "t10k-images-idx3-ubyte",
    ("test", "labels"): "t10k-labels-idx1-ubyte",
}
FILE = "data.safetensors"  # of the other data sets


@dataclass(frozen=True)
class Facts:
    """The shape of an example, channels first, the classes, and the examples for training."""

    shape: tuple[int, ...]
    classes: int
    examples: int


MNIST = Facts((1, 28, 28), 10, 60_000)  # and its relatives


@dataclass(frozen=True)
class Images:
    """Examples: `pixels` `[n, inputs]` and `labels` int64 `[n]`.

    Pixels are uint8, which training normalizes, or float32, which are normalized already.
    """

    pixels: Tensor
    labels: Tensor

    def first(self, n: int | None) -> "Images":
        """The first n images, or all of them for None."""
        return Images(self.pixels[:n], self.labels[:n])

    def cropped(self, side: int | None, shape: Sequence[int]) -> "Images":
        """The square of so many pixels a side in the middle of every image; None: all of it."""
        if side is None:
            return self
        top, left = ((length - side) // 2 for length in shape[-2:])
        square = self.pixels.reshape(-1, *shape)[..., top : top + side, left : left + side]
        return Images(square.flatten(1).contiguous(), self.labels)


@dataclass(frozen=True)
class Dataset:
    """The images that a network is trained on, and those that it is tested on."""

    train: Images
    test: Images
    shape: tuple[int, ...] = MNIST.shape

    def cropped(self, side: int | None) -> "Dataset":
        """Both, as Images.cropped."""
        train, test = (one.cropped(side, self.shape) for one in (self.train, self.test))
        return Dataset(train, test, self.shape)

    @property
    def facts(self) -> Facts:
        """What networks have to know of it."""
        classes = 1 + int(torch.cat([self.train.labels, self.test.labels]).max())
        return Facts(self.shape, classes, len(self.train.labels))


def load(folder: Path, limit: int | None = None) -> Dataset:
    """Read a data set, with the first `limit` training images; raises DamagedError."""
    idx = (folder / FILES["train", "images"]).exists() or not (folder / FILE).exists()
    whole = _from_idx(folder) if idx else _from_tensors(folder)
    return Dataset(whole.train.first(limit), whole.test, whole.shape)


def _from_idx(folder: Path) -> Dataset:
    contents = integrity.read(folder, FILES.values())
    values = {key: read_idx(contents[name]) for key, name in FILES.items()}
    train, test = (
        Images(
            torch.from_numpy(values[split, "images"].reshape(-1, math.prod(MNIST.shape))),
            torch.from_numpy(values[split, "labels"].astype(np.int64)),
        )
        for split in ("train", "test")
    )
    return Dataset(train, test)


def _from_tensors(folder: Path) -> Dataset:
    """Bytes are scaled to a mean of 0 and a variance of 1 over all pixels for training."""
    kept = load_tensors(integrity.read(folder, [FILE])[FILE])
    inputs = {split: kept[f"{split}/inputs"] for split in ("train", "test")}
    if inputs["train"].dtype == torch.uint8:
        pixels = inputs["train"].double()
        mean, std = pixels.mean(), pixels.std(correction=0)
        inputs = {split: ((x - mean) / std).float() for split, x in inputs.items()}
    train, test = (
        Images(inputs[split].flatten(1).contiguous(), kept[f"{split}/labels"])
        for split in ("train", "test")
    )
    return Dataset(train, test, tuple(inputs["train"].shape[1:]))


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
    """(pixel / 255 − MEAN) / STD of bytes: up to rounding what kernel.c trains on."""
    if pixels.dtype == torch.float32:
        return pixels
    values = pixels.numpy() * np.float64(1 / (255 * STD)) - MEAN / STD
    return torch.from_numpy(values.astype(np.float32))
