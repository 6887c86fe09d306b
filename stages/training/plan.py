"""The plan of a variant: everything that decides its bits, and nothing else.

`check` writes one for each variant as data/plans/VARIANT.json; `train` reads it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from stages.training import integrity

SIDE = 28  # pixels of an image
CLASSES = 10
MOST_LAYERS = 256  # of a network: kernel.c keeps pointers to each

# Mean and standard deviation of MNIST's training pixels, scaled to [0, 1].
MEAN, STD = 0.1307, 0.3081

# What computes and writes a trained network.
PACKAGES = ("numpy", "safetensors", "torch", "ziglang")


@dataclass(frozen=True)
class Fill:
    """How one tensor is filled before training.

    `initializer` is a function of torch.nn.init without its last underscore, the name of a
    file in stages/initializers, or `default`: what torch.nn.Linear does. `arguments` are its
    keyword arguments, all of them, with numbers in the type that the function declares.
    """

    initializer: str
    arguments: Mapping[str, Any]


DEFAULT = Fill("default", {})


@dataclass(frozen=True)
class Plan:
    """A variant, fully resolved.

    `limit` is how many training images are used (None: all), `crop` the side of the square in
    their middle that the network sees, `tensors` the fill of every tensor by its name, `momentum`
    that of SGD. `files` has the SHA-256 of every file in
    stages/initializers that the fills run, `packages` the versions of PACKAGES.
    """

    data: str
    limit: int | None
    seeds: int
    crop: int
    hidden: tuple[int, ...]
    activation: str
    epochs: int
    batch_size: int
    optimizer: str
    lr: float
    momentum: float
    tensors: Mapping[str, Fill]
    files: Mapping[str, str]
    packages: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> "Plan":
        """Read what `as_json` wrote; raises OSError, and DamagedError for anything else."""
        return cls.of(integrity.read_json(path))

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Plan":
        """The plan that `asdict` made these values of."""
        tensors = {name: Fill(**fill) for name, fill in values["tensors"].items()}
        return cls(**{**values, "tensors": tensors, "hidden": tuple(values["hidden"])})

    def as_json(self) -> str:
        """The plan as text; equal plans are equal texts."""
        return integrity.as_json(asdict(self))

    @property
    def sizes(self) -> list[int]:
        """The widths of all layers, from the pixels to the classes."""
        return [self.crop**2, *self.hidden, CLASSES]

    @property
    def parameters(self) -> int:
        """How many weights and biases a network has."""
        return sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(self.sizes))

    def steps_per_epoch(self, images: int) -> int:
        """How many batches so many images are."""
        return -(-images // self.batch_size)


def layer_names(hidden: Sequence[int]) -> list[str]:
    """`fc1` … `fcN` for the hidden layers, then `out`."""
    return [f"fc{i}" for i in range(1, len(hidden) + 1)] + ["out"]


def tensor_names(hidden: Sequence[int]) -> list[str]:
    """`fc1.weight`, `fc1.bias`, …, `out.bias`, in the order in which they are filled."""
    return [f"{layer}.{kind}" for layer in layer_names(hidden) for kind in ("weight", "bias")]
