"""A fully connected network, trained and measured by kernel.c."""

import ctypes
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from stages.training.activations import ACTIVATIONS
from stages.training.data import Images
from stages.training.mlp import build
from stages.training.mlp.layout import Flat, allocate, matrices, padded

SCORE_ROWS = 256  # images that are scored at once: their activations fit into a processor's cache
OPTIMIZERS = ("adam", "sgd")  # as kernel.c numbers them

_pointer = ctypes.c_void_p


class _Network(ctypes.Structure):
    """kernel.c's `network`."""

    _fields_ = (
        ("layers", ctypes.c_int32),
        ("activation", ctypes.c_int32),
        *(
            (name, _pointer)
            for name in ("sizes", "weights", "first", "second", "initial", "moved_at")
        ),
    )


class _Examples(ctypes.Structure):
    """kernel.c's `examples`."""

    _fields_ = (("pixels", _pointer), ("floats", _pointer))


class Optimizer(ctypes.Structure):
    """kernel.c's `optimizer`: the steps so far, and the powers of Adam's decay rates."""

    _fields_ = (
        ("kind", ctypes.c_int32),
        ("step", ctypes.c_int64),
        *((name, ctypes.c_double) for name in ("rate", "momentum", "first", "second")),
    )


@dataclass
class Seen:
    """A network's layers after a pass: outputs and gradients `[rows, width]` at what goes into an
    activation, and the gradients of the mean loss.
    """

    outputs: list[Flat]
    deltas: list[Flat]
    gradients: list[tuple[Flat, Flat]]


class Network:
    """Weights with their optimizer's moments, which training changes in place.

    `moved_at` has the step at which each tensor first differed from `initial`; 0: never so far.
    """

    def __init__(
        self, sizes: list[int], activation: str, weights: Flat, initial: Flat | None = None
    ):
        """A network with a copy of these weights, in the kernel's layout, and no moments.

        Raises KernelError.
        """
        self.sizes, self.activation = sizes, activation
        self.weights = allocate(len(weights), weights.dtype)
        self.weights[:] = weights
        self.initial = weights if initial is None else initial
        self.first, self.second = (allocate(len(weights), weights.dtype) for _ in range(2))
        self.moved_at = np.zeros(2 * (len(sizes) - 1), np.int64)
        self._sizes = np.array(sizes, np.int64)
        self._library = build.library("float" if weights.dtype == np.float32 else "double")
        self._scratch: dict[int, Flat] = {}

    @cached_property
    def _struct(self) -> Any:
        arrays = (self._sizes, self.weights, self.first, self.second, self.initial, self.moved_at)
        number = list(ACTIVATIONS).index(self.activation)
        pointers = (array.ctypes.data for array in arrays)
        return ctypes.byref(_Network(len(self.sizes) - 1, number, *pointers))

    def _scratch_for(self, rows: int) -> int:
        if rows not in self._scratch:
            length = self._library.scratch_length
            length.restype = ctypes.c_long
            count = length(self._struct, ctypes.c_long(rows))
            self._scratch[rows] = allocate(count, self.weights.dtype)
        return self._scratch[rows].ctypes.data

    def train(
        self, images: Images, order: npt.NDArray[np.int64], batch_size: int, optimizer: Optimizer
    ) -> tuple[float, float]:
        """Train on images in an order; the mean loss and the accuracy, before each batch's step."""
        rows = min(batch_size, len(order))
        return self._counted(
            "train", len(order), ctypes.byref(optimizer), *_of(images), _pointer(order.ctypes.data),
            ctypes.c_long(len(order)), ctypes.c_long(rows), _pointer(self._scratch_for(rows)),
        )  # fmt: skip

    def score(self, images: Images) -> tuple[float, float, Tensor]:
        """The mean loss, the accuracy, and the logits `[n, classes]`."""
        count, classes = len(images.labels), self.sizes[-1]
        logits = allocate(count * padded(classes, self.weights.dtype), self.weights.dtype)
        found = self._counted(
            "score", count, *_of(images), ctypes.c_long(count), ctypes.c_long(SCORE_ROWS),
            _pointer(logits.ctypes.data), _pointer(self._scratch_for(SCORE_ROWS)),
        )  # fmt: skip
        return *found, torch.from_numpy(logits.reshape(count, -1)[:, :classes])

    def _counted(self, function: str, count: int, *arguments: Any) -> tuple[float, float]:
        loss, correct = ctypes.c_double(), ctypes.c_int64()
        call = getattr(self._library, function)
        call(self._struct, *arguments, ctypes.byref(loss), ctypes.byref(correct))
        return loss.value / count, correct.value / count

    def look(self, images: Images) -> Seen:
        """Pass over the images at once, forward and backward, without a step."""
        rows, layers, dtype = len(images.labels), len(self.sizes) - 1, self.weights.dtype
        gradients = allocate(len(self.weights), dtype)
        starts = np.zeros((2, layers), np.int64)
        self._library.look(
            self._struct, *_of(images), ctypes.c_long(rows), _pointer(self._scratch_for(rows)),
            *(_pointer(array.ctypes.data) for array in (gradients, starts[0], starts[1])),
        )  # fmt: skip
        scratch = self._scratch.pop(rows)  # whose views are handed out

        def views(starts: npt.NDArray[np.int64]) -> list[Flat]:
            found = []
            for start, width in zip(starts, self.sizes[1:], strict=True):
                whole = padded(width, dtype)
                found.append(scratch[start : start + rows * whole].reshape(rows, whole)[:, :width])
            return found

        return Seen(views(starts[0]), views(starts[1]), list(matrices(self.sizes, gradients)))


def _of(images: Images) -> tuple[Any, Any]:
    """Pointers to inputs and labels, which must be contiguous."""
    at = images.pixels.data_ptr()
    inputs = _Examples(at, None) if images.pixels.dtype == torch.uint8 else _Examples(None, at)
    return inputs, _pointer(images.labels.data_ptr())
