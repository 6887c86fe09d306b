"""The four files of a data set, and how to read one."""

import struct
from pathlib import Path

import numpy as np

FILES = {
    ("train", "images"): "train-images-idx3-ubyte",
    ("train", "labels"): "train-labels-idx1-ubyte",
    ("test", "images"): "t10k-images-idx3-ubyte",
    ("test", "labels"): "t10k-labels-idx1-ubyte",
}


def read_idx(path: Path) -> np.ndarray:
    """Read an IDX file of unsigned bytes, in the shape that its header tells.

    The format (yann.lecun.com/exdb/mnist): two zero bytes, a type (8 = unsigned byte),
    the number of dimensions, each dimension as a big-endian 32-bit integer, the values.
    """
    content = path.read_bytes()
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    dimensions = content[3]
    start = 4 + 4 * dimensions
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    if len(content) - start != np.prod(shape):
        raise ValueError(f"{path}: {len(content) - start} values, but the header tells {shape}")
    return np.frombuffer(bytearray(content[start:]), dtype=np.uint8).reshape(shape)
